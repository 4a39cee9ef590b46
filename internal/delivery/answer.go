package delivery

import (
	"fmt"
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// takeOutstanding takes the response with that name off the stream; nil: there is none.
func (m *Machine) takeOutstanding(s *stream, name string) *push {
	at := slices.IndexFunc(s.outstanding, func(p *push) bool { return p.u.f.name == name })
	if at < 0 {
		return nil
	}
	p := s.outstanding[at]
	s.outstanding = slices.Delete(s.outstanding, at, at+1)
	s.full = s.full && len(s.outstanding) > m.cfg.Window/2
	if len(s.outstanding) == 0 && cap(s.outstanding) > fewOutstanding {
		s.outstanding = nil
	}
	s.bytes -= p.rev.Module.Size
	if p.late {
		s.late--
	}
	p.u.awaited = false
	return p
}

// answerCame has the subscriber looked at, and one that has taken its name since.
func (m *Machine) answerCame(p *push) {
	m.touch(p.u)
	if u := p.u.s.sub(p.u.f.name); u != nil && u != p.u {
		u.awaited = false
		m.touch(u)
	}
}

// fewOutstanding is the room that a stream keeps for responses while none is outstanding.
const fewOutstanding = 4

// answered takes the answer to a response that is outstanding on the stream.
func (m *Machine) answered(s *stream, a Answer) {
	p := m.takeOutstanding(s, a.Name)
	if p == nil {
		return
	}
	s.answeredAt = m.now
	m.tried(p)
	switch {
	case !a.Nack:
		s.unlisted = p.more
		m.acked(p)
	case p.version.Variant == Remote || p.replay:
		m.nextSalt(p)
		m.remoteRefused(p, a.Message)
	default:
		m.nextSalt(p)
		m.refused(p, a.Message)
	}
	m.answerCame(p)
	m.reuse(p)
	// There is room on the stream: whoever waited for it gets a look, also where p's own
	// subscriber has unsubscribed meanwhile.
	m.touchStream(s)
}

func (m *Machine) acked(p *push) {
	u := p.u
	m.setVerdictLoads(p)
	m.settle(u)
	if !p.rev.BuiltIn && u.f.revision(p.rev.ID) == nil {
		// Wanted when it was sent, not any more: but it runs, and may have to be restored.
		u.f.remember(p.rev)
	}
	if u.closed {
		return
	}
	m.endFetch(u)
	wasLive := u.runs(p.rev) && !u.dirty
	u.setAccepted(p.version, p.rev)
	u.owed, u.replay, u.dirty = false, false, false
	m.changed[u.f.name] = struct{}{}
	if !wasLive {
		since := u.f.since
		if m.at(u.joined).After(since) {
			since = time.Time{} // a boot: how long it took is the Envoy's matter
		}
		m.actions = append(m.actions, WentLive{Name: u.f.name, Variant: p.version.Variant, Since: since})
	}
	if u.tries(p.rev) {
		u.f.lost, u.f.lostProblem = 0, nil
		m.judged(u, p.rev)
	}
}

// setVerdictLoads notes that the revision loads on this version, unless another
// Envoy of it has refused it: that stays, and its rollout stopped.
func (m *Machine) setVerdictLoads(p *push) {
	envoy := p.u.s.node.Version
	if _, known := m.verdict(p.rev, envoy); !known {
		m.setVerdict(p.rev, envoy, verdict{loads: true})
		if g := p.u.f.groups[envoy]; g != nil {
			for _, u := range g.subs {
				if u.parked != notParked {
					m.touch(u) // it need not be alone any more
				}
			}
		}
	}
}

// judged goes on with the rollout after a canary's answer.
func (m *Machine) judged(u *sub, r *snapshot.Revision) {
	f := u.f
	if f.stable != nil && f.stable.ID == r.ID && u.group != nil {
		delete(u.group.trials, r.ID)
		for _, other := range u.group.subs {
			m.touch(other)
		}
	}
	m.rollOut(f)
}

// refused takes the NACK of an inline or file push: a verdict, unless it is about
// something else than the module.
func (m *Machine) refused(p *push, raw string) {
	u, r, envoy := p.u, p.rev, p.u.s.node.Version
	message := redact(raw, r)
	u.dirty = true
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
	m.changed[u.f.name] = struct{}{}
	if r.BuiltIn {
		return
	}
	v, known := m.verdict(r, envoy)
	onTrial := u.f.candidate() != nil && u.f.candidate().ID == r.ID
	if known && v.loads && !onTrial {
		return // it loads on others of this version: a matter of this Envoy
	}
	m.setVerdict(r, envoy, verdict{message: message})
	m.touchFilter(u.f)
	m.judged(u, r)
}

// wrongType notes which type an Envoy asks for under this name.
func (m *Machine) wrongType(u *sub, p *push, message string) {
	t := expectedType(message)
	if u.expects() == t {
		// It was told so before, and got that type: no third try.
		u.refuse(p.rev.ID, rejectedProblem(p.rev, u.s.node.Version, message))
	}
	u.note().expects = t
	if u.f.wanted == nil && u.f.typeHint != t {
		u.f.typeHint = t
		m.persist = true
	}
	m.settle(u)
	m.leave(u)
	m.join(u)
	m.rollOut(u.f)
	m.report(p, message, false)
}

func (m *Machine) report(p *push, message string, verdict bool) {
	m.actions = append(m.actions, WasRefused{
		Name: p.u.f.name, Node: p.u.s.node.ID, Revision: p.rev.ID,
		Variant: p.version.Variant, Verdict: verdict, Message: message,
	})
}

// buildFailed takes back a push whose resource could not be made.
func (m *Machine) buildFailed(e BuildFailed) {
	s := m.streams[e.Stream]
	if s == nil {
		return
	}
	p := m.takeOutstanding(s, e.Name)
	if p == nil {
		return
	}
	m.tried(p)
	m.touchStream(s)
	u := p.u
	m.endFetch(u)
	u.refuse(p.rev.ID, &Problem{
		Code: CodeModuleUnreadable, Revision: p.rev.ID, Message: e.Reason,
		Hint: "it is brought again from where its spec says",
	})
	m.answerCame(p)
	m.reuse(p)
}

// modulesRestored tries again what failed because a module could not be read: no
// Envoy has seen anything of it.
func (m *Machine) modulesRestored() {
	for _, id := range sortedStreams(m.streams) {
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

func sortedStreams(streams map[StreamID]*stream) []StreamID {
	if len(streams) == 0 {
		return nil
	}
	ids := make([]StreamID, 0, len(streams))
	for id := range streams {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
