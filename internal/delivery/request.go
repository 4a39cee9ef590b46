package delivery

import (
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/delivery/unsettled"
	"github.com/wasm-xds/wasm-xds/internal/delivery/verdict"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// goneLimit bounds the ended subscribers a filter's status still shows.
const goneLimit = 20

func (m *Machine) request(e Requested) {
	s := m.streams[e.Stream]
	if s == nil {
		return
	}
	m.touchStream(s)
	if e.Answer != nil {
		m.answered(s, *e.Answer)
	}
	for _, name := range e.Unsubscribe {
		if u := s.sub(name); u != nil {
			m.unsubscribe(u)
		}
	}
	if len(s.subs) == 0 {
		s.subs = make([]*sub, 0, len(e.Subscribe))
	}
	s.queue = slices.Grow(s.queue, len(e.Subscribe))
	var made []sub
	for i, subscription := range e.Subscribe {
		if i%madeAtOnce == 0 {
			made = make([]sub, min(madeAtOnce, len(e.Subscribe)-i))
		}
		m.subscribe(s, subscription, &made[i%madeAtOnce])
	}
}

// madeAtOnce is how many subscribers are allocated at once: those of a stream come and go together.
// This number fills a size class of the allocator.
const madeAtOnce = 85

func (m *Machine) subscribe(s *stream, e Subscription, made *sub) {
	f := m.filter(e.Name)
	at, there := s.find(e.Name)
	if !there {
		now := m.offset(m.now)
		*made = sub{f: f, s: s, joined: now, since: now}
		s.subs = slices.Insert(s.subs, at, made)
	}
	u := s.subs[at]
	if !there {
		m.states[u.state]++
		f.states[u.state]++
		s.bareCount++
		u.awaited = s.findOutstanding(e.Name) >= 0
		f.add(u)
		m.countUnknown(u, 1)
		f.forget(s.node.ID)
		m.join(u)
		m.mayStop(u)
	}
	accepted, known := ParseVersion(e.Accepted)
	if !known && e.Accepted != "" {
		// Another server's version: the Envoy runs an unknown revision.
		accepted = Version{Revision: "", Variant: Inline, Salt: e.Accepted}
	}
	u.setAccepted(accepted, m.known(u, accepted))
	u.owed = e.Accepted == "" || e.Replay
	u.replay = e.Replay && known
	s.readsFiles = s.readsFiles || known && accepted.Variant == File
	m.endFetch(u)
	u.dirty = f.isUnsettled(u) && !f.tookIt(u)
	f.suspects.adopt(s.node.ID, s.node.Version)
	if r := u.running; r != nil {
		// An Envoy runs the version it says it has accepted: refused bytes are never sent again.
		if _, judged := m.verdicts.Of(r, s.node.Version); !judged {
			m.setVerdict(r, s.node.Version, verdict.Verdict{Loads: true})
			m.acquit(u, r)
			if g := f.groups[s.node.Version]; g != nil {
				for _, other := range g.subs {
					m.touch(other) // it need not wait for its canary any more
				}
			}
		}
	}
	m.change(f)
	if !m.enlist(u) || f.stable != nil || !u.bare() {
		m.rollOut(f) // an unsettled node is the canary still
	}
	if !u.dirty {
		m.settle(u)
	}
	m.touch(u)
}

// mayStop looks at all subscribers if the first Envoy of a version comes that has refused the
// candidate: the rollout stops, and waiting subscribers get another revision.
func (m *Machine) mayStop(u *sub) {
	c := u.f.candidate()
	if c == nil || u.group == nil || len(u.group.subs) > 1 {
		return
	}
	if v, judged := m.verdicts.Of(c, u.group.envoy); judged && !v.Loads {
		m.touchFilter(u.f)
	}
}

// known finds the revision of an accepted version.
func (m *Machine) known(u *sub, v Version) *snapshot.Revision {
	if v == (Version{}) {
		return nil
	}
	if r := u.f.revision(v.Revision); r != nil {
		return r
	}
	if c := m.choose(u); c.revision != nil && c.revision.ID == v.Revision {
		return c.revision
	}
	return m.knownStandIn(u, v.Revision)
}

// knownStandIn recognises a stand-in sent for another reason than the present one, or by another
// release.
func (m *Machine) knownStandIn(u *sub, id string) *snapshot.Revision {
	runtime := u.s.node.runtimeOf()
	known := m.cfg.Substitutes.Known(u.f.name, runtime, id)
	if known == nil {
		return nil
	}
	// A stand-in this release makes, too, can be sent again.
	if r := m.cfg.Substitutes.Passthrough(u.f.name, known.Type, runtime); r.ID == id {
		return r
	}
	for _, reason := range denyReasons {
		if r := m.cfg.Substitutes.Deny(u.f.name, known.Type, reason, runtime); r.ID == id {
			return r
		}
	}
	return known
}

func (m *Machine) unsubscribe(u *sub) {
	u.closed = true
	u.setAccepted(Version{}, nil)
	u.s.bareCount--
	at, _ := u.s.find(u.f.name)
	u.s.subs = slices.Delete(u.s.subs, at, at+1)
	if u.parked != notParked {
		u.s.unpark(u)
	}
	m.remove(u)
}

// remove takes a subscriber out of everything but the stream.
func (m *Machine) remove(u *sub) {
	u.closed = true
	m.endFetch(u)
	m.forgetMissed(u)
	m.record.Unannounce(u.f.unsettled, u.s.node.ID, unsettled.Node{})
	u.f.drop(u)
	m.countUnknown(u, -1)
	m.states[u.state]--
	u.f.states[u.state]--
	m.leave(u)
	m.change(u.f)
	m.rollOut(u.f)
	m.dropUnasked(u.f)
}

func (m *Machine) close(id StreamID) {
	s := m.streams[id]
	if s == nil {
		return
	}
	delete(m.streams, id)
	s.ended = true
	lostBy := map[*sub]*push{}
	for _, r := range s.outstanding {
		for i := range r.pushes {
			p := &r.pushes[i]
			lostBy[p.u] = p
			m.nextSalt(p)
			m.tried(p)
		}
	}
	s.outstanding = nil
	for _, u := range s.subs {
		lost := lostBy[u]
		onTrial := lost != nil && m.isTrial(lost)
		if u.dirty || lost != nil {
			m.unsettle(u, "")
		}
		u.f.rememberGone(m, u)
		u.closed = true
		if onTrial {
			m.lose(u, lost.rev, WaitBack)
		}
		m.remove(u)
	}
}

// rememberGone keeps a subscriber that is gone for the status.
func (f *filter) rememberGone(m *Machine, u *sub) {
	st := u.status(m)
	st.State, st.Since = Gone, m.now
	f.gone = append(f.gone, st)
	if len(f.gone) > goneLimit {
		f.gone = f.gone[1:]
	}
}

// forget drops the gone subscribers of a node that is back.
func (f *filter) forget(node string) {
	kept := f.gone[:0]
	for _, g := range f.gone {
		if g.Node.ID != node {
			kept = append(kept, g)
		}
	}
	f.gone = kept
}

// find is the place of a name in the stream's subscribers, or the place to insert the name.
func (s *stream) find(name string) (int, bool) {
	if n := len(s.subs); n > 0 && s.subs[n-1].f.name < name {
		return n, false // most names come in order
	}
	return slices.BinarySearchFunc(s.subs, name, func(u *sub, name string) int { return strings.Compare(u.f.name, name) })
}

// sub is the stream's subscriber of the name; nil: there is none.
func (s *stream) sub(name string) *sub {
	if at, there := s.find(name); there {
		return s.subs[at]
	}
	return nil
}
