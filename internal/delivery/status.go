package delivery

import (
	"cmp"
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// FilterStatus is what is true of a filter now.
type FilterStatus struct {
	Name   string
	Wanted *snapshot.Filter // nil: no spec has this name
	// Serving is the revision that Envoys get; nil: none.
	Serving *snapshot.Revision
	// Candidate is the revision on its way to all; nil: none, or it was stopped.
	Candidate *snapshot.Revision
	Stable    *snapshot.Revision
	Older     []*snapshot.Revision
	// Rollout says how far the wanted revision is on its way to all; nil: it is everyone's, or none of
	// it is. [Machine.Brief] leaves it out.
	Rollout *Rollout
	// Problem says why the wanted revision is not the one that serves; nil: it is.
	Problem     *Problem
	Subscribers []SubscriberStatus
	// Count is how many subscribers there are, and Asking how many of them have an open stream.
	Count, Asking int
	// IdleSince is since when nobody asks for a removed filter; zero: somebody does, or it is not
	// removed. ForgetAt is when it is forgotten; zero: not as long as things stay as they are.
	IdleSince, ForgetAt time.Time
	// BackBy is until when Envoys that asked for a removed filter before the server started may come
	// back; zero: none did.
	BackBy time.Time
}

// SubscriberStatus is what is true of a filter on one Envoy's stream.
type SubscriberStatus struct {
	Name     string // the filter's
	Node     Node
	Stream   StreamID
	ADS      bool
	Delta    bool
	State    State
	Serving  Serving
	Revision string // what it runs; "" for nothing
	Variant  Variant
	Canary   bool
	Problem  *Problem
	Since    time.Time
}

// Status returns the status of a filter; false when neither a spec nor an Envoy names it.
func (m *Machine) Status(name string) (FilterStatus, bool) {
	f := m.filters[name]
	if f == nil {
		return FilterStatus{}, false
	}
	st := m.brief(f)
	st.Rollout = m.rollout(f)
	st.Subscribers = make([]SubscriberStatus, 0, st.Count)
	for _, u := range f.subs {
		st.Subscribers = append(st.Subscribers, u.status(m))
	}
	slices.SortFunc(st.Subscribers, func(a, b SubscriberStatus) int {
		return cmp.Or(cmp.Compare(a.Node.ID, b.Node.ID), cmp.Compare(a.Stream, b.Stream))
	})
	st.Subscribers = append(st.Subscribers, f.gone...)
	return st, true
}

// Brief is Status without its subscribers, of whom there may be thousands.
func (m *Machine) Brief(name string) (FilterStatus, bool) {
	f := m.filters[name]
	if f == nil {
		return FilterStatus{}, false
	}
	return m.brief(f), true
}

func (m *Machine) brief(f *filter) FilterStatus {
	st := FilterStatus{
		Name: f.name, Wanted: f.wanted, Stable: f.stable, Serving: f.stable, Older: slices.Clone(f.older),
		Count: len(f.subs) + len(f.gone), Asking: len(f.subs), IdleSince: f.idleSince,
	}
	if !f.idleSince.IsZero() {
		st.ForgetAt, _ = m.forgetAt(f)
		if f.idleSince.Equal(m.started) {
			st.BackBy = m.started.Add(m.cfg.CanaryPause)
		}
	}
	if c := f.candidate(); c != nil {
		st.Problem = m.stoppedBy(f, c)
		if st.Problem == nil {
			st.Candidate = c
			if st.Serving == nil || len(f.subs) == 0 {
				st.Serving = c
			}
		}
	}
	return st
}

// Counts are how many subscribers are in each state, those that are gone and still shown
// included. They are counted as they change, not now.
func (m *Machine) Counts() map[State]int {
	all := map[State]int{}
	for s, n := range m.states {
		all[State(s)] = n
	}
	for _, f := range m.filters {
		all[Gone] += len(f.gone)
	}
	return all
}

// CountsOf is Counts for one filter.
func (m *Machine) CountsOf(name string) map[State]int {
	f := m.filters[name]
	if f == nil {
		return nil
	}
	all := map[State]int{Gone: len(f.gone)}
	for s, n := range f.states {
		all[State(s)] += int(n)
	}
	return all
}

// Names are all names that a spec or an Envoy has, sorted.
func (m *Machine) Names() []string {
	names := make([]string, 0, len(m.filters))
	for _, f := range m.inOrder() {
		names = append(names, f.name)
	}
	return names
}

// Streams are the ids of the open streams, sorted.
func (m *Machine) Streams() []StreamID { return sortedKeys(m.streams) }

// Stream is one open stream with what it subscribes to, sorted by name; false: it is not open.
func (m *Machine) Stream(id StreamID) (StreamStatus, bool) {
	s := m.streams[id]
	if s == nil {
		return StreamStatus{}, false
	}
	st := StreamStatus{ID: id, Node: s.node, ADS: s.ads, Delta: s.delta, Subscribers: make([]SubscriberStatus, 0, len(s.subs))}
	for _, u := range s.subs {
		st.Subscribers = append(st.Subscribers, u.status(m))
	}
	if e := m.reach.unreached[s.node.reachKey()]; e != nil {
		st.Unreached = e.since
	}
	return st, true
}

// StreamStatus is one open stream.
type StreamStatus struct {
	// Unreached is since when the Envoy does not reach the module server; zero: it does, as far
	// as is known.
	Unreached   time.Time
	ID          StreamID
	Node        Node
	ADS, Delta  bool
	Subscribers []SubscriberStatus
}

func (u *sub) status(m *Machine) SubscriberStatus {
	st := SubscriberStatus{
		Name: u.f.name, Node: u.s.node, Stream: u.s.id, ADS: u.s.ads, Delta: u.s.delta, State: u.state, Serving: u.serving,
		Problem: u.problem(), Since: m.at(u.since),
	}
	if u.queued && u.state == Live {
		// It waits for room on its stream and has not been looked at since something changed.
		if c := m.choose(u); c.revision != nil && !u.runs(c.revision) {
			st.State = Pending
		}
	}
	st.Variant = u.accepted.variant
	if u.running != nil {
		st.Revision = u.running.ID
	} else {
		st.Revision = u.accepted.Unpack().Revision
	}
	if c := u.f.candidate(); c != nil {
		st.Canary = u.tries(c)
	}
	return st
}
