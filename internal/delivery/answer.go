package delivery

import (
	"fmt"
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/delivery/verdict"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// answerCame looks at the push's subscriber, or at a later subscriber of the same name.
func (m *Machine) answerCame(p *push) {
	u := p.u
	if u.closed {
		if u = u.s.sub(u.f.name); u == nil {
			return
		}
		// The Envoy may have taken or refused the earlier push for the new subscriber.
		u.awaited, u.dirty = false, true
	}
	m.touch(u)
}

// answered handles the answer to an outstanding response of the stream.
func (m *Machine) answered(s *stream, a Answer) {
	r := m.takeResponse(s, a.Name)
	if r == nil {
		return
	}
	s.answeredAt = m.now
	if a.Nack && len(r.pushes) > 1 {
		m.sharedRefused(s, r, a.Message)
	} else {
		for i := range r.pushes {
			m.answeredOne(&r.pushes[i], a)
		}
		if first := &r.pushes[0]; m.booted > 0 {
			m.actions = append(m.actions, WentLive{Name: first.u.f.name, Variant: first.version.Variant, Others: m.booted - 1})
			m.booted = 0
		}
	}
	if !a.Nack {
		s.unlisted = r.more
	}
	s.queue = slices.Grow(s.queue, len(r.pushes))
	for i := range r.pushes {
		m.answerCame(&r.pushes[i])
	}
	m.reuse(r)
	m.mayHaveSpoken(s)
	// There is room on the stream: waiting subscribers get a look, even if the answer's own
	// subscriber has unsubscribed meanwhile.
	m.touchStream(s)
}

// answeredOne handles the answer to one resource.
func (m *Machine) answeredOne(p *push, a Answer) {
	m.tried(p)
	switch {
	case !a.Nack:
		m.acked(p)
	case p.version.Variant == Remote || p.replay:
		m.nextSalt(p)
		m.remoteRefused(p, a.Message)
	default:
		m.nextSalt(p)
		m.refused(p, a.Message)
	}
}

func (m *Machine) acked(p *push) {
	u := p.u
	m.setVerdictLoads(p)
	acquitted := m.acquit(u, p.rev)
	m.settle(u)
	if !p.rev.BuiltIn && u.f.wanted != nil && u.f.revision(p.rev.ID) == nil {
		// The revision is not wanted any more, but it runs, and the machine may have to send it
		// again.
		u.f.remember(p.rev)
	}
	if u.closed {
		if acquitted {
			m.rollOut(u.f)
		}
		return
	}
	m.endFetch(u)
	if p.version.Variant == Inline && !p.rev.BuiltIn {
		m.loadedInline(u)
	}
	wasLive := u.runs(p.rev) && !u.dirty
	u.setAccepted(p.version, p.rev)
	u.owed, u.replay, u.dirty = false, false, false
	u.s.readsFiles = u.s.readsFiles || p.version.Variant == File && !p.replay
	m.change(u.f)
	m.mayForget(u.f)
	if !wasLive {
		if since := u.f.since; m.at(u.joined).After(since) {
			m.booted++ // the time it took depends on the Envoy
		} else {
			m.actions = append(m.actions, WentLive{Name: u.f.name, Variant: p.version.Variant, Since: since})
		}
	}
	switch {
	case u.tries(p.rev) && (u.f.stable != nil || !u.f.waitsForOthers(p.rev)):
		m.judged(u, p.rev)
	case acquitted:
		m.rollOut(u.f)
	}
}

// setVerdictLoads notes that the revision loads on this version. A refusal by another Envoy of the
// version stays, and the rollout stays stopped.
func (m *Machine) setVerdictLoads(p *push) {
	envoy := p.u.s.node.Version
	if _, known := m.verdictOf(p.u, p.rev); !known {
		m.setVerdict(p.rev, envoy, verdict.Verdict{Loads: true})
		if g := p.u.f.groups[envoy]; g != nil {
			for _, u := range g.subs {
				if u.parked != notParked {
					m.touch(u) // it need not be alone any more
				}
			}
		}
	}
}

// judged continues the rollout after a canary's answer.
func (m *Machine) judged(u *sub, r *snapshot.Revision) {
	f := u.f
	if f.stable != nil && f.stable.ID == r.ID && u.group != nil {
		u.group.endTrial(r.ID)
		for _, other := range u.group.subs {
			m.touch(other)
		}
	}
	m.rollOut(f)
}

// refused handles the NACK of an inline or file push. The NACK is a verdict, unless the message is
// about something else than the module.
func (m *Machine) refused(p *push, raw string) {
	u, r, envoy := p.u, p.rev, p.u.s.node.Version
	message := redact(raw, r)
	u.dirty = true
	m.forgetMissed(u)
	m.unsettle(u, "") // even if other Envoys have loaded it: the next push may never be sent
	if p.version.Variant == File && invalidPath(raw) {
		trouble := u.note()
		trouble.noFile = r.Module.SHA256
		trouble.fellBack = &Problem{
			Code: CodeFileUnreadable, Revision: r.ID,
			Message: fmt.Sprintf("this Envoy cannot read the module's file (%s); it was sent inline", message),
			Hint:    "set --modules-dir-in-envoy to the module store's path as Envoy sees it, and let Envoy's user read it",
		}
		m.report(p, message, false)
		return
	}
	if t := expectedType(raw); t != "" && t != r.Type {
		m.wrongType(u, p, message)
		return
	}
	problem := rejectedProblem(r, envoy, message)
	u.refuse(r.ID, problem)
	m.report(p, message, true)
	m.change(u.f)
	if r.BuiltIn {
		return
	}
	v, known := m.verdicts.Of(r, envoy)
	onTrial := u.f.candidate() != nil && u.f.candidate().ID == r.ID
	if known && v.Loads && !onTrial {
		return // it loads on other Envoys of this version: the fault is this Envoy's
	}
	m.setVerdict(r, envoy, verdict.Verdict{Message: message})
	m.acquit(u, r)
	m.touchFilter(u.f)
	m.judged(u, r)
}

// wrongType notes the type an Envoy asks for under this name.
func (m *Machine) wrongType(u *sub, p *push, message string) {
	t := expectedType(message)
	if u.expects() == t {
		// The Envoy asked for that type before, and got that type: no third try.
		u.refuse(p.rev.ID, rejectedProblem(p.rev, u.s.node.Version, message))
	}
	u.note().expects = t
	if u.f.wanted == nil && u.f.typeHint != t {
		u.f.typeHint = t
	}
	m.settle(u)
	m.leave(u)
	m.join(u)
	m.rollOut(u.f)
	m.actions = append(m.actions, WasRefused{
		Name: u.f.name, Node: u.s.node.ID, Revision: p.rev.ID, Variant: p.version.Variant, WrongType: true, Message: message,
	})
}

func (m *Machine) report(p *push, message string, verdict bool) {
	m.actions = append(m.actions, WasRefused{
		Name: p.u.f.name, Node: p.u.s.node.ID, Revision: p.rev.ID,
		Variant: p.version.Variant, Verdict: verdict, Message: message,
	})
}

// buildFailed takes back a push because the resource could not be made.
func (m *Machine) buildFailed(e BuildFailed) {
	s := m.streams[e.Stream]
	if s == nil {
		return
	}
	p, there := m.takePush(s, e.Name)
	if !there {
		return
	}
	m.tried(&p)
	m.touchStream(s)
	m.mayHaveSpoken(s)
	u := p.u
	m.endFetch(u)
	u.refuse(p.rev.ID, &Problem{
		Code: CodeModuleUnreadable, Revision: p.rev.ID, Message: e.Reason,
		Hint: "it is brought again from where its spec says",
	})
	m.answerCame(&p)
}

// modulesRestored retries pushes that failed because of an unreadable module. No Envoy has seen any
// of those pushes.
func (m *Machine) modulesRestored() {
	for _, id := range sortedKeys(m.streams) {
		for _, u := range m.streams[id].subs {
			for revision, problem := range u.get().refused {
				if problem.Code == CodeModuleUnreadable {
					delete(u.rare.refused, revision)
					m.touch(u)
				}
			}
		}
	}
}
