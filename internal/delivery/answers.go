package delivery

import (
	"fmt"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
	"github.com/wasm-xds/wasm-xds/internal/delivery/unsettled"
	"github.com/wasm-xds/wasm-xds/internal/delivery/verdict"
)

// noteRetry is when a note is tried again that the ledger did not take.
const noteRetry = time.Second

// answers handles the answers to responses, and the answers that do not come.
type answers struct {
	*step
	cfg      *Config
	sender   *sender
	rollouts *rollouts
	fetches  *fetches
	removed  *removed
	record   *unsettled.Record
	salts    *salts
	masks    masks
	booted   int // accepted pushes of the present response to subscribers newer than the wanted revision
}

// answered handles the answer to an outstanding response of the stream.
func (e *answers) answered(s *stream, a Answer) {
	r := e.sender.take(s, a.Name)
	if r == nil {
		return
	}
	s.answered(e.now)
	if a.Nack && len(r.pushes) > 1 {
		e.sharedRefused(s, r, a.Message)
	} else {
		for i := range r.pushes {
			e.answeredOne(&r.pushes[i], a)
		}
		if first := &r.pushes[0]; e.booted > 0 {
			e.tell(WentLive{Name: first.u.f.name, Variant: first.version.Variant, Others: e.booted - 1})
			e.booted = 0
		}
	}
	if !a.Nack {
		s.setUnlisted(r.more)
	}
	s.expectLooks(len(r.pushes))
	for i := range r.pushes {
		e.look(&r.pushes[i])
	}
	e.sender.recycle(r)
	e.rollouts.mayHaveSpoken(s)
	// There is room on the stream: waiting subscribers get a look, even if the answer's own
	// subscriber has unsubscribed meanwhile.
	e.touchStream(s)
}

// look looks at the push's subscriber, or at a later subscriber of the same name.
func (e *answers) look(p *push) {
	u := p.u
	if u.closed {
		if u = u.s.sub(u.f.name); u == nil {
			return
		}
		// The Envoy may have taken or refused the earlier push for the new subscriber.
		u.setAwaited(false)
		u.spoil()
	}
	e.touch(u)
}

// answeredOne handles the answer to one resource.
func (e *answers) answeredOne(p *push, a Answer) {
	e.sender.tried(p)
	switch {
	case !a.Nack:
		e.acked(p)
	case p.version.Variant == Remote || p.replay:
		e.salts.renew(p.version)
		e.remoteRefused(p, a.Message)
	default:
		e.salts.renew(p.version)
		e.refused(p, a.Message)
	}
}

func (e *answers) acked(p *push) {
	u := p.u
	e.loads(p)
	acquitted := e.rollouts.acquit(u, p.rev)
	e.record.Settle(u.f.name, u.f.nodes, u.s.node.ID)
	if !p.rev.BuiltIn && u.f.wanted != nil && u.f.find(p.rev.ID) == nil {
		// The revision is not wanted any more, but it runs, and the machine may have to send it
		// again.
		u.f.remember(p.rev)
	}
	if u.closed {
		if acquitted {
			e.rollouts.rollOut(u.f)
		}
		return
	}
	e.fetches.end(u)
	if p.version.Variant == Inline && !p.rev.BuiltIn {
		e.fetches.loadedInline(u)
	}
	wasLive := u.runs(p.rev) && !u.dirty
	u.takes(p.version, p.rev)
	u.s.readFile(p.version.Variant == File && !p.replay)
	e.change(u.f)
	e.removed.look(u.f)
	if !wasLive {
		if since := u.f.since; e.at(u.joined).After(since) {
			e.booted++ // the time it took depends on the Envoy
		} else {
			e.tell(WentLive{Name: u.f.name, Variant: p.version.Variant, Since: since})
		}
	}
	switch {
	case u.tries(p.rev) && (u.f.stable != nil || !u.f.waitsForOthers(p.rev)):
		e.rollouts.judged(u, p.rev)
	case acquitted:
		e.rollouts.rollOut(u.f)
	}
}

// loads notes that the revision loads on this version. A refusal by another Envoy of the version
// stays, and the rollout stays stopped.
func (e *answers) loads(p *push) {
	u := p.u
	if _, judged := u.verdict(p.rev); judged {
		return
	}
	e.rollouts.judge(u, p.rev, verdict.Verdict{Loads: true})
	if g := u.f.groups[u.s.node.Version]; g != nil {
		for _, u := range g.subs {
			if u.parked != notParked {
				e.touch(u) // it need not be alone any more
			}
		}
	}
}

// refused handles the NACK of an inline or file push. The NACK is a verdict, unless the message is
// about something else than the module.
func (e *answers) refused(p *push, raw string) {
	u, r, envoy := p.u, p.rev, p.u.s.node.Version
	message := e.masks.redact(raw, u.f.secret(r))
	u.spoil()
	e.fetches.noInline(u)
	e.sender.unsettle(u, "") // even if other Envoys have loaded it: the next push may never be sent
	if p.version.Variant == File && invalidPath(raw) {
		u.setNoFile(r.Module.SHA256)
		u.setFellBack(&Problem{
			Code: CodeFileUnreadable, Revision: r.ID,
			Message: fmt.Sprintf("this Envoy cannot read the module's file (%s); it was sent inline", message),
			Hint:    "set --modules-dir-in-envoy to the module store's path as Envoy sees it, and let Envoy's group enter with --modules-group",
		})
		e.report(p, message, false)
		return
	}
	if t := expectedType(raw); t != "" && t != r.Type {
		e.wrongType(u, p, message)
		return
	}
	problem := rejectedProblem(r, envoy, message)
	u.refuse(r.ID, problem)
	e.report(p, message, true)
	e.change(u.f)
	if r.BuiltIn {
		return
	}
	v, judged := u.f.verdicts.Of(r, envoy)
	if judged && v.Loads && !u.f.isCandidate(r) {
		return // it loads on other Envoys of this version: the fault is this Envoy's
	}
	e.rollouts.judge(u, r, verdict.Verdict{Message: message})
	e.rollouts.acquit(u, r)
	e.touchFilter(u.f)
	e.rollouts.judged(u, r)
}

// wrongType notes the type an Envoy asks for under this name.
func (e *answers) wrongType(u *sub, p *push, message string) {
	t := expectedType(message)
	if u.expects() == t {
		// The Envoy asked for that type before, and got that type: no third try.
		u.refuse(p.rev.ID, rejectedProblem(p.rev, u.s.node.Version, message))
	}
	u.expect(t)
	u.f.hint(t)
	e.record.Settle(u.f.name, u.f.nodes, u.s.node.ID)
	u.f.leave(u)
	u.f.join(u)
	e.rollouts.rollOut(u.f)
	e.tell(WasRefused{
		Stream: u.s.id, Name: u.f.name, Node: u.s.node.ID, Revision: p.rev.ID, Variant: p.version.Variant, WrongType: true, Message: message,
	})
}

func (e *answers) report(p *push, message string, verdict bool) {
	e.tell(WasRefused{
		Stream: p.u.s.id, Name: p.u.f.name, Node: p.u.s.node.ID, Revision: p.rev.ID,
		Variant: p.version.Variant, Verdict: verdict, Message: message,
	})
}

// remoteRefused handles the NACK of a remote push: the code was not in Envoy's cache, or was there
// and does not load. A GET tells the two apart.
// See docs/RATIONALE.md#why-is-a-nack-of-remote-code-no-verdict.
func (e *answers) remoteRefused(p *push, raw string) {
	u := p.u
	message := e.masks.redact(raw, u.f.secret(p.rev))
	t := expectedType(raw)
	another := !p.replay && t != "" && t != p.rev.Type
	if !another {
		e.report(p, message, false)
	}
	u.spoil()
	switch {
	case p.replay:
		u.lostConfig()
	case another:
		e.fetches.end(u)
		e.wrongType(u, p, message)
	default:
		e.fetches.nacked(u, p.version.Salt)
	}
}

// sharedRefused handles the NACK of a shared response. Envoy may have refused any of the resources,
// whatever the message says, and has not looked at the later ones: each is sent again alone.
func (e *answers) sharedRefused(s *stream, r *response, message string) {
	s.refusedSeveral()
	message = begin(message)
	for i := range r.pushes {
		p := &r.pushes[i]
		u := p.u
		message = e.masks.withoutSecrets(message, u.f.secret(p.rev))
		e.salts.renew(p.version)
		u.spoil()
		if p.replay && !u.closed {
			u.lostConfig()
		}
		e.change(u.f)
	}
	p := &r.pushes[0]
	e.tell(WasRefused{
		Stream: s.id, Name: p.u.f.name, Node: s.node.ID, Revision: p.rev.ID, Variant: p.version.Variant, Message: shorten(message), Others: len(r.pushes) - 1,
	})
}

// check flags the subscribers of an Envoy that does not answer.
func (e *answers) check(s *stream) {
	for _, r := range s.outstanding {
		if r.late {
			continue
		}
		if due := s.due(r.at, e.cfg.AckWait); e.now.Before(due) {
			e.wakeStream(s, due)
			return
		}
		s.setLate(r)
		for i := range r.pushes {
			e.flagLate(&r.pushes[i])
		}
		e.rollouts.fellSilent(s)
	}
}

func (e *answers) flagLate(p *push) {
	u := p.u
	e.salts.renew(p.version)
	e.sender.unsettleLost(u, p)
	if u.closed {
		return // the subscriber does not count any more
	}
	if p.isTrial() {
		e.rollouts.lose(u, p.rev, rollout.WaitSilent)
	}
	e.setState(u, Pending, &Problem{
		Code: CodeNoAnswer, Revision: p.rev.ID,
		Message: "this Envoy has not answered: neither ACK nor NACK",
		Hint:    "its main thread may hang (an endless loop in the module's start or configure); nothing else is sent to it until it answers",
	})
}

// loss is a push without an answer on a stream that has ended.
type loss struct {
	*push
	mayBeACrash bool // the Envoy may have crashed of the revision
}

// lost takes all responses off a stream that has ended. Their answers will not come. A late answer
// was counted as a loss before. lost has the losses by subscriber.
func (e *answers) lost(s *stream) map[*sub]loss {
	lost := map[*sub]loss{}
	for _, r := range s.takeAll() {
		for i := range r.pushes {
			p := &r.pushes[i]
			lost[p.u] = loss{p, !r.late && p.isTrial()}
			e.salts.renew(p.version)
			e.sender.tried(p)
		}
	}
	return lost
}

// takeBack takes back a push that the Envoy has not got; false: there is none with the name.
func (e *answers) takeBack(s *stream, name string) (push, bool) {
	p, there := e.sender.takeOne(s, name)
	if there {
		e.sender.tried(&p)
		e.touchStream(s)
		e.rollouts.mayHaveSpoken(s)
		e.fetches.end(p.u)
	}
	return p, there
}

// notBuilt takes back a push because the resource could not be made.
func (e *answers) notBuilt(s *stream, name, reason string) {
	p, there := e.takeBack(s, name)
	if !there {
		return
	}
	p.u.refuse(p.rev.ID, &Problem{
		Code: CodeModuleUnreadable, Revision: p.rev.ID, Message: reason,
		Hint: "it is brought again from where its spec says",
	})
	e.look(&p)
}

// notNoted takes back an unproven push because the ledger does not have its note. The push is tried
// again, if the fleet's record still names the Envoy.
func (e *answers) notNoted(s *stream, name string) {
	p, there := e.takeBack(s, name)
	if !there {
		return
	}
	u := p.u
	again := e.now.Add(noteRetry)
	u.f.followed.notNoted(s.node.ID, again)
	e.wakeFilter(u.f, again)
	if !u.closed {
		e.wakeSub(u, again)
		if !u.dirty {
			e.record.Settle(u.f.name, u.f.nodes, s.node.ID)
		}
	}
	e.look(&p)
}

// restored retries the pushes of a stream that failed because of an unreadable module. No Envoy has
// seen any of those pushes.
func (e *answers) restored(s *stream) {
	for _, u := range s.subs {
		unreadable := func(_ string, p *Problem) bool { return p.Code == CodeModuleUnreadable }
		if u.dropRefusals(unreadable) {
			e.touch(u)
			e.rollouts.rollOut(u.f) // the Envoy may be a canary again
		}
	}
}
