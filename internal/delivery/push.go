package delivery

import (
	"cmp"
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/delivery/verdict"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// The order of the pushes on a stream: subscribers that run nothing come first, and unproven
// revisions last. At the very end come revisions another Envoy of the version loads at the moment.
// If many Envoys connect at the same time, each then tries another revision, and all revisions are
// soon known.
const (
	classBare = iota
	classProven
	classUnproven
	classTriedElsewhere
)

// windowBytes bounds the outstanding bytes of modules: nothing is added above. An Envoy takes about
// a second to load a megabyte, and an urgent push may come up.
const windowBytes = 1 << 20

// sendAll sends the next responses on every touched stream with room.
func (m *Machine) sendAll() {
	all := m.touched
	m.touched = m.looked[:0]
	slices.SortFunc(all, func(a, b *stream) int { return cmp.Compare(a.id, b.id) })
	for _, s := range all {
		s.touched = false
		if !s.ended && (m.hasRoom(s) || s.full) {
			m.sendNext(s)
		}
	}
	clear(all)
	m.looked = all
}

// touchStream has the stream looked at before the step ends.
func (m *Machine) touchStream(s *stream) {
	if !s.touched {
		s.touched = true
		m.touched = append(m.touched, s)
	}
}

// opens says whether a further response may be sent. A SotW client tells only the last of several
// answers. In delta each response is answered by itself, so revisions known to load need not wait
// for one another. Once the window has been full, half of it is answered before more responses
// follow: responses and answers that travel together cost less.
// See docs/RATIONALE.md#why-are-several-responses-outstanding-at-a-time-in-delta.
func (m *Machine) opens(s *stream) bool {
	n := len(s.outstanding)
	return n == 0 || s.delta && !s.singly && m.below(s) && !s.full && s.late == 0 && !s.outstanding[0].alone
}

// below says whether the window has room.
func (m *Machine) below(s *stream) bool { return s.loads < m.cfg.Window && s.bytes < windowBytes }

// hasRoom says whether a push may be sent, alone or in a shared response.
func (m *Machine) hasRoom(s *stream) bool { return m.open != nil && m.below(s) || m.opens(s) }

// mustBeAlone says whether a push to the subscriber may be refused, as far as is known. Nothing
// else may be outstanding beside such a push.
func (m *Machine) mustBeAlone(u *sub, c choice) bool {
	return c.unproven || !u.replays(c.revision) && m.variant(u, c.revision) == Remote
}

// next is a subscriber that needs a push.
type next struct {
	u     *sub
	c     choice
	class int
}

// sendNext looks at the stream's queue and sends as many pushes as there is room for, the most
// urgent first. Waiting subscribers stay in the queue, or are parked until their push can be alone.
// Subscribers that need nothing leave the queue, and so do subscribers with an outstanding
// response: the answer brings them back.
func (m *Machine) sendNext(s *stream) {
	later, kept, before := m.later[:0], s.queue[:0], len(s.outstanding)
	for i := 0; i < len(s.queue); i++ {
		if i < s.waiting && !m.hasRoom(s) {
			// Seen before, and not looked at again before there is room.
			kept = append(kept, s.queue[i:s.waiting]...)
			i = s.waiting - 1
			continue
		}
		u := s.queue[i]
		u.queued = false
		if u.closed || u.awaited {
			continue
		}
		c := m.choose(u)
		if !m.needsPush(u, c) {
			continue
		}
		class := m.classOf(u, c)
		switch {
		case m.mustBeAlone(u, c):
			s.park(u, parkedAs(class))
			continue
		case class == s.firstClass() && m.place(u, c, class):
			continue
		default:
			later = append(later, next{u, c, class})
		}
		u.queued = true
		kept = append(kept, u)
	}
	clear(s.queue[len(kept):])
	placed := false
	for _, one := range later {
		if m.hasRoom(s) && m.place(one.u, one.c, one.class) {
			placed = true
		}
	}
	if placed {
		kept = slices.DeleteFunc(kept, func(u *sub) bool {
			u.queued = !u.awaited && u.parked == notParked
			return !u.queued
		})
	}
	m.keepQueue(s, kept, later)
	if !s.delta && len(s.outstanding) > before && len(s.queue) > 0 {
		s.outstanding[before].more = true
	}
	if len(s.outstanding) == 0 && s.unlisted {
		m.sendList(s)
	}
	if len(s.outstanding) == 0 {
		m.sendAlone(s)
	}
	m.open = nil
	for _, r := range s.outstanding[before:] {
		m.send(s, r)
	}
}

// keepQueue sets the subscribers that wait on the stream, and frees memory once the stream is at
// rest.
func (m *Machine) keepQueue(s *stream, waiting []*sub, later []next) {
	s.queue, s.waiting = waiting, len(waiting)
	if len(waiting)+len(s.outstanding)+len(s.parked) == 0 && cap(waiting) > fewOutstanding {
		s.queue = nil
	}
	clear(later)
	if m.later = later; cap(later) > someKeys {
		m.later = nil
	}
}

// firstClass is the most urgent class possible on the stream.
func (s *stream) firstClass() int {
	if s.bareCount > 0 {
		return classBare
	}
	return classProven
}

func (m *Machine) classOf(u *sub, c choice) int {
	switch {
	case c.unproven && m.trying[verdict.Key{Revision: c.revision.ID, Envoy: u.s.node.Version}] > 0:
		return classTriedElsewhere
	case c.unproven:
		return classUnproven
	case u.bare():
		return classBare
	default:
		return classProven
	}
}

// needsPush says whether the subscriber needs a push now to run the choice. If not, needsPush sets
// the status and the time of the next look.
func (m *Machine) needsPush(u *sub, c choice) bool {
	if !c.until.IsZero() {
		m.wakeSub(u, c.until)
	}
	if c.revision == nil {
		m.endFetch(u)
		if c.state == Live || c.state == Rejected || c.serving != ServingNothing {
			u.serving = c.serving
		}
		u.setState(m, c.state, c.problem)
		return false
	}
	if u.runs(c.revision) && !u.dirty && !u.owed {
		m.endFetch(u)
		m.arrived(u, c)
		return false
	}
	if f := u.fetch(); f != nil && f.revision != c.revision.ID {
		m.endFetch(u)
	}
	if u.fetch() == nil {
		u.setState(m, Pending, c.problem)
		return true
	}
	return m.fetchIsOver(u)
}

// arrived sets the status of a subscriber that runs the choice.
func (m *Machine) arrived(u *sub, c choice) {
	u.serving = c.serving
	problem := c.problem
	if p := u.get().fellBack; problem == nil && p != nil && p.Revision == c.revision.ID {
		problem = p
	}
	if problem == nil && u.accepted.variant == Inline && u.serving == ServingFilter && u.f.wanted != nil &&
		u.f.wanted.Delivery == spec.Remote && m.withoutModules(u) {
		problem = unreachedProblem()
	}
	u.setState(m, c.state, problem)
	u.tidy()
}

// variant is the way in which the revision's code reaches this subscriber.
// See docs/RATIONALE.md#why-is-code-inline-until-the-filter-runs-something.
func (m *Machine) variant(u *sub, r *snapshot.Revision) Variant {
	if r.BuiltIn || u.bare() || u.f.wanted == nil {
		return Inline
	}
	switch u.f.wanted.Delivery {
	case spec.File:
		if u.get().noFile != r.Module.SHA256 {
			return File
		}
	case spec.Remote:
		if u.get().noRemote != r.Module.SHA256 && r.Module.Size <= m.cfg.RemoteLimit && (!u.s.ads || u.s.bareCount == 0) &&
			(!m.withoutModules(u) || m.reach.Probes(u.s.node.reachKey(), m.now)) {
			return Remote
		}
	case spec.Inline:
	}
	return Inline
}

// place puts a push into a response, shared or not, and says whether there was room. In delta a
// shareable push waits for the answer to the outstanding shared response, together with the pushes
// that come up meanwhile: Envoy asks for one filter at a time as it boots, and revisions become
// known to load.
func (m *Machine) place(u *sub, c choice, class int) bool {
	s, shares := u.s, m.mayShare(u, c)
	switch {
	case shares && m.open != nil && m.open.class == class && m.below(s) && len(m.open.pushes) < sharedMost:
	case shares && s.delta && s.isSharing():
		s.park(u, parkedShared)
		return true
	case m.opens(s):
		r := m.newResponse(s)
		r.class, r.shares = class, shares
		if shares {
			m.open = r
		}
		m.push(r, u, c)
		return true
	default:
		return false
	}
	m.push(m.open, u, c)
	return true
}

// push adds the push for a subscriber's choice to a response.
func (m *Machine) push(in *response, u *sub, c choice) {
	r, s := c.revision, u.s
	in.alone = m.mustBeAlone(u, c)
	p := push{u: u, rev: r, replay: u.replays(r), unproven: c.unproven}
	if p.replay {
		p.version = u.accepted.Unpack()
	} else {
		p.version = Version{Revision: r.ID, Variant: m.variant(u, r)}
		p.version.Salt = m.salt(p.version)
		if u.runs(r) && p.version.Pack() == u.accepted {
			// The version was sent before, but Envoy has stored other bytes since.
			m.nextSalt(&p)
			p.version.Salt = m.salt(p.version)
		}
	}
	if p.version.Variant == Remote && !p.replay {
		attempts := 1
		if f := u.fetch(); f != nil {
			attempts += f.attempts
		}
		m.endFetch(u)
		u.note().fetch = &fetch{revision: r.ID, attempts: attempts, token: p.version.Salt}
		m.tokens[p.version.Salt] = u
		m.reach.Pushed(u.s.node.reachKey(), m.now)
	}
	if c.unproven {
		if m.unsettle(u, r.ID); m.record.IsAwaited() {
			m.announce(s)
		}
		m.trying[verdict.Key{Revision: r.ID, Envoy: s.node.Version}]++
	}
	u.awaited = true
	m.add(in, p)
	loads, bytes := p.weight()
	s.loads += loads
	s.bytes += bytes
	s.full = s.full || s.delta && s.loads >= m.cfg.Window
}

// send hands a complete response to the shell.
func (m *Machine) send(s *stream, r *response) {
	m.wakeStream(s, m.now.Add(m.cfg.AckWait))
	first := &r.pushes[0]
	send := Send{Stream: s.id, Resource: first.resource(), Envoy: s.node.Version, Unproven: first.unproven, More: r.more}
	if others := r.pushes[1:]; len(others) > 0 {
		send.Others = make([]Resource, len(others))
		for i := range others {
			send.Others[i] = others[i].resource()
		}
	}
	m.actions = append(m.actions, send)
}

// tried notes that the answer to a push has come, or never will.
func (m *Machine) tried(p *push) {
	if !p.unproven {
		return
	}
	key := verdict.Key{Revision: p.rev.ID, Envoy: p.u.s.node.Version}
	if m.trying[key]--; m.trying[key] == 0 {
		delete(m.trying, key)
	}
}

// checkAnswer flags the subscribers of an Envoy that does not answer. Envoy takes one response
// after the other, so the time for a response begins with the answer to the response before.
func (m *Machine) checkAnswer(s *stream) {
	for _, r := range s.outstanding {
		if r.late {
			continue
		}
		since := r.at
		if s.answeredAt.After(since) {
			since = s.answeredAt
		}
		if due := since.Add(m.cfg.AckWait); m.now.Before(due) {
			m.wakeStream(s, due)
			return
		}
		r.late = true
		s.late++
		for i := range r.pushes {
			m.flagLate(&r.pushes[i])
		}
		m.fellSilent(s)
	}
}

// isTrial says whether the push sends an unproven revision to a canary.
func (m *Machine) isTrial(p *push) bool {
	return !p.rev.BuiltIn && p.u.tries(p.rev) && !m.verdicts.Proven(p.rev, p.u.s.node.Version)
}

func (m *Machine) flagLate(p *push) {
	u := p.u
	m.nextSalt(p)
	m.unsettle(u, "")
	if u.closed {
		return // the subscriber does not count any more
	}
	if m.isTrial(p) {
		m.lose(u, p.rev, WaitSilent)
	}
	u.setState(m, Pending, &Problem{
		Code: CodeNoAnswer, Revision: p.rev.ID,
		Message: "this Envoy has not answered: neither ACK nor NACK",
		Hint:    "its main thread may hang (an endless loop in the module's start or configure); nothing else is sent to it until it answers",
	})
}
