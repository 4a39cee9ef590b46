package delivery

import (
	"cmp"
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// FilterStatus is the status of a filter.
type FilterStatus struct {
	Name   string
	Wanted *snapshot.Filter // nil: no spec has this name
	// Serving is the stable revision, or the candidate if there is no stable revision or no
	// subscriber; nil: neither.
	Serving *snapshot.Revision
	// Candidate is the revision that rolls out; nil: none, or the rollout has stopped.
	Candidate *snapshot.Revision
	Stable    *snapshot.Revision
	Older     []*snapshot.Revision
	// Rollout is the progress of the revision on trial; nil: no revision is on trial.
	// [Machine.Brief] leaves it out.
	Rollout *Rollout
	// Problem is the reason for which the rollout of the wanted revision has stopped; nil: it has
	// not.
	Problem     *Problem
	Subscribers []SubscriberStatus
	// Count is the number of subscribers, ended ones included. Asking is the number with an open
	// stream.
	Count, Asking int
	// IdleSince is since when no stream asks for a removed filter; zero: a stream asks, or the
	// filter is not removed. ForgetAt is when the filter is forgotten; zero: not as long as nothing
	// changes.
	IdleSince, ForgetAt time.Time
	// BackBy is until when Envoys that asked for a removed filter before the server started may
	// come back; zero: none did.
	BackBy time.Time
}

// SubscriberStatus is the status of one subscriber.
type SubscriberStatus struct {
	Name     string // the filter's
	Node     Node
	Stream   StreamID
	ADS      bool
	Delta    bool
	State    State
	Serving  Serving
	Revision string // the running revision; "": none
	Variant  Variant
	Canary   bool
	Problem  *Problem
	// Losses are settings of the revision that runs which this Envoy is too old for; nil: none.
	Losses []snapshot.Loss
	Since  time.Time
}

// Status returns the status of a filter; false: neither a spec nor an Envoy has the name.
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

// Brief is Status without the subscribers, which may be thousands.
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

// Counts are the numbers of subscribers by state, with the ended ones that a status still shows.
// The machine keeps the counts up to date, so the call is cheap.
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

// Names are all names a spec or an Envoy has, sorted.
func (m *Machine) Names() []string {
	names := make([]string, 0, len(m.filters))
	for _, f := range m.inOrder() {
		names = append(names, f.name)
	}
	return names
}

// Streams are the ids of the open streams, sorted.
func (m *Machine) Streams() []StreamID { return sortedKeys(m.streams) }

// Stream is an open stream with its subscribers, sorted by name; false: the stream is not open.
func (m *Machine) Stream(id StreamID) (StreamStatus, bool) {
	s := m.streams[id]
	if s == nil {
		return StreamStatus{}, false
	}
	st := StreamStatus{ID: id, Node: s.node, ADS: s.ads, Delta: s.delta, Subscribers: make([]SubscriberStatus, 0, len(s.subs))}
	for _, u := range s.subs {
		st.Subscribers = append(st.Subscribers, u.status(m))
	}
	st.Unreached, _ = m.reach.Since(s.node.reachKey())
	return st, true
}

// StreamStatus is one open stream.
type StreamStatus struct {
	// Unreached is since when the Envoy does not reach the module server; zero: the Envoy reaches
	// it, as far as is known.
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
		// The subscriber waits for room on the stream and was not looked at since the last change.
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
	if u.running != nil && !u.running.BuiltIn {
		st.Losses = u.running.Losses(u.s.node.Version)
	}
	if c := u.f.candidate(); c != nil {
		st.Canary = u.tries(c)
	}
	return st
}
