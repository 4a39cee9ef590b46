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
	// Problem says why the wanted revision is not the one that serves; nil: it is.
	Problem     *Problem
	Subscribers []SubscriberStatus
}

// SubscriberStatus is what is true of a filter on one Envoy's stream.
type SubscriberStatus struct {
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
	st := FilterStatus{Name: name, Wanted: f.wanted, Stable: f.stable, Older: slices.Clone(f.older)}
	st.Serving = f.stable
	if c := f.candidate(); c != nil {
		st.Problem = m.stoppedBy(f, c)
		if st.Problem == nil {
			st.Candidate = c
			if st.Serving == nil || len(f.subs) == 0 {
				st.Serving = c
			}
		}
	}
	for u := range f.subs {
		st.Subscribers = append(st.Subscribers, u.status())
	}
	slices.SortFunc(st.Subscribers, func(a, b SubscriberStatus) int {
		return cmp.Or(cmp.Compare(a.Node.ID, b.Node.ID), cmp.Compare(a.Stream, b.Stream))
	})
	st.Subscribers = append(st.Subscribers, f.gone...)
	return st, true
}

// Names are all names that a spec or an Envoy has, sorted.
func (m *Machine) Names() []string { return sortedKeys(m.filters) }

// Streams returns the open streams with the names that each subscribes to.
func (m *Machine) Streams() []StreamStatus {
	all := make([]StreamStatus, 0, len(m.streams))
	for _, id := range sortedStreams(m.streams) {
		s := m.streams[id]
		all = append(all, StreamStatus{ID: id, Node: s.node, ADS: s.ads, Delta: s.delta, Names: sortedKeys(s.subs)})
	}
	return all
}

// StreamStatus is one open stream.
type StreamStatus struct {
	ID         StreamID
	Node       Node
	ADS, Delta bool
	Names      []string
}

func (u *sub) status() SubscriberStatus {
	st := SubscriberStatus{
		Node: u.s.node, Stream: u.s.id, ADS: u.s.ads, Delta: u.s.delta, State: u.state, Serving: u.serving,
		Revision: u.accepted.Revision, Variant: u.accepted.Variant, Problem: u.problem, Since: u.since,
	}
	if c := u.f.candidate(); c != nil {
		st.Canary = u.tries(c)
	}
	return st
}
