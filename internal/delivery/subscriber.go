package delivery

import (
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// stream is one xDS stream of one Envoy.
type stream struct {
	id          StreamID
	node        Node
	ads         bool
	delta       bool
	subs        []*sub      // sorted by name
	outstanding []*response // sent and not answered, the oldest first
	loads       int         // in what is outstanding
	bytes       int64       // of the modules in it
	full        bool        // it was as much as may be, and less than half is answered
	singly      bool        // a response of several was refused: each resource goes alone
	readsFiles  bool        // it has read a module's file
	late        int         // how many of outstanding are
	silent      bool        // it takes part in no rollout until it answers
	answeredAt  time.Time   // the last answer
	timed       bool        // a timer will look at outstanding
	touched     bool        // it is looked at before the step ends
	ended       bool
	parked      []*sub // whose next push must be alone
	held        []*sub // whose next push goes with others
	queue       []*sub // to be looked at
	unknown     int    // subscribers whose name no spec has
	waiting     int    // how many of them, from the first on, were found to need a push
	bareCount   int    // subscribers that run nothing
	unlisted    bool   // what it accepted last said that others follow
}

// sub is one filter on one stream: the unit of delivery and of status. There are as many
// as Envoys times filters, so it is kept small: times are offsets, the version is packed,
// and what is rarely known has a place of its own.
type sub struct {
	f     *filter
	s     *stream
	group *group // nil: it cannot run the filter

	// running is the revision that Envoy runs; nil: none, or unknown here.
	running  *snapshot.Revision
	accepted Packed // the version that it runs; zero: nothing, as far as is known
	rare     *rare  // nil: nothing of it is known

	joined, since     offset // since is when the state began
	atFilter, atGroup int32  // where it is in f.subs and in group.subs
	atParked          int32  // where it is among those that are parked like it

	trials  uint16 // of its group, that it is a canary of
	state   State
	serving Serving
	closed  bool
	queued  bool    // it is in its stream's queue
	parked  parking // in the other list
	// awaited: a response with its name is outstanding, perhaps one to the subscriber of
	// that name before it.
	awaited bool
	// owed: an answer is owed even where accepted is what is wanted.
	owed bool
	// replay: the same bytes once more do for that answer.
	replay bool
	// dirty: Envoy has stored bytes it refused, or may have: the next update of
	// its listener would fail, until something good is pushed in other bytes.
	dirty bool
	// passedOver: a rollout goes on by hand that waited for it. It is asked when it is its turn again.
	passedOver bool
}

// parking says why a subscriber waits, until its push can be alone or goes with others.
type parking uint8

const (
	notParked      parking = iota
	parkedProven           // remote code
	parkedUnproven         // not known to load
	parkedShared           // delta: a response that others share is outstanding
)

// offset is a time since the machine started.
type offset time.Duration

func (m *Machine) offset(t time.Time) offset { return offset(t.Sub(m.started)) }
func (m *Machine) at(o offset) time.Time     { return m.started.Add(time.Duration(o)) }

// rare is what is rarely known of a subscriber, and not kept for longer than it matters.
type rare struct {
	problem *Problem
	timer   time.Time
	fetch   *fetch // a remote delivery under way; nil: none
	// refused are the revisions that this Envoy refused on this stream; nil: none.
	refused map[string]*Problem
	// expects is the type that the Envoy asks for, learnt from a NACK; "": not known.
	expects spec.Type
	// noRemote is the sha256 of a module that this Envoy could not fetch, noFile of
	// one whose file it could not read: that one goes inline.
	noRemote, noFile string
	// noGET is the token of a remote push for which no GET came, until the code is answered inline.
	noGET    string
	fellBack *Problem // why; shown while the revision runs
}

// get is for reading.
func (u *sub) get() rare {
	if u.rare == nil {
		return rare{}
	}
	return *u.rare
}

// note is for writing.
func (u *sub) note() *rare {
	if u.rare == nil {
		u.rare = &rare{}
	}
	return u.rare
}

// tidy gives back the place of what is rarely known once nothing is.
func (u *sub) tidy() {
	if r := u.rare; r != nil && r.problem == nil && r.timer.IsZero() && r.fetch == nil && len(r.refused) == 0 &&
		r.expects == "" && r.noRemote == "" && r.noFile == "" && r.noGET == "" && r.fellBack == nil {
		u.rare = nil
	}
}

func (u *sub) problem() *Problem {
	if u.rare == nil {
		return nil
	}
	return u.rare.problem
}

func (u *sub) fetch() *fetch {
	if u.rare == nil {
		return nil
	}
	return u.rare.fetch
}

func (u *sub) expects() spec.Type {
	if u.rare == nil {
		return ""
	}
	return u.rare.expects
}

// refusal is why this Envoy refused a revision; nil: it did not.
func (u *sub) refusal(revision string) *Problem {
	if u.rare == nil {
		return nil
	}
	return u.rare.refused[revision]
}

// fetch is a remote delivery under way.
type fetch struct {
	revision string
	attempts int
	token    string
	refused  bool // the push was NACKed: the GET decides
	started  bool
	finished bool
	failed   bool
	taken    bool // the Envoy closed its connection after it: the code is in its cache
	deadline time.Time
	retryAt  time.Time
}

func (u *sub) bare() bool { return u.accepted == Packed{} }

// runs says whether new requests at this Envoy run r.
func (u *sub) runs(r *snapshot.Revision) bool {
	if u.running != nil {
		return u.running.ID == r.ID
	}
	return u.accepted.isOf(r.ID)
}

func (u *sub) setAccepted(v Version, r *snapshot.Revision) {
	before := u.bare()
	u.accepted, u.running = v.Pack(), r
	switch {
	case before && !u.bare():
		u.s.bareCount--
	case !before && u.bare():
		u.s.bareCount++
	}
}

// runtimeOf gives the runtime for a stand-in: the first that the Envoy has.
func (n Node) runtimeOf() string {
	known := []string{"envoy.wasm.runtime.v8", "envoy.wasm.runtime.wamr", "envoy.wasm.runtime.wasmtime"}
	if n.Runtimes != nil {
		for _, r := range known {
			if slices.Contains(n.Runtimes, r) {
				return r
			}
		}
		return ""
	}
	return known[0]
}

func (n Node) hasRuntime(runtime string) bool {
	return n.Runtimes == nil || slices.Contains(n.Runtimes, runtime)
}

func (u *sub) selected() bool {
	w := u.f.wanted
	return w == nil || w.Nodes.Matches(u.s.node.ID, u.s.node.Cluster, u.s.node.Metadata)
}

// eligible says whether the subscriber takes part in the filter's rollouts.
func (u *sub) eligible() bool {
	w := u.f.wanted
	if w == nil || w.Revision == nil || !u.selected() || u.expects() != "" && u.expects() != w.Type {
		return false
	}
	return u.s.node.hasRuntime(w.Revision.VM.Runtime)
}

// refuse notes that this Envoy does not take a revision.
func (u *sub) refuse(revision string, p *Problem) {
	r := u.note()
	if r.refused == nil {
		r.refused = map[string]*Problem{}
	}
	r.refused[revision] = p
}

// forgetRefusals drops the refusals of revisions that are not served any more.
func (u *sub) forgetRefusals() {
	for id := range u.get().refused {
		if u.f.revision(id) == nil {
			delete(u.rare.refused, id)
		}
	}
}

func (u *sub) setState(m *Machine, s State, p *Problem) {
	if u.state == s && equalProblem(u.problem(), p) {
		return
	}
	if u.state != s {
		u.since = m.offset(m.now)
		m.states[u.state]--
		m.states[s]++
		u.f.states[u.state]--
		u.f.states[s]++
	}
	u.state = s
	if p != nil || u.rare != nil {
		u.note().problem = p
	}
	m.change(u.f)
}
