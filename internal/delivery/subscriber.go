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
	loads       int         // the loads in outstanding, see [push.weight]
	bytes       int64       // the bytes in outstanding, see [push.weight]
	full        bool        // the window was full, and less than half of it has been answered
	singly      bool        // a response of several was refused: each resource goes alone
	readsFiles  bool        // this Envoy has read a module's file
	late        int         // the number of late responses in outstanding
	silent      bool        // takes part in no rollout until the Envoy answers
	answeredAt  time.Time   // the time of the last answer
	timed       bool        // a timer will look at outstanding
	touched     bool        // the step looks at the stream before it ends
	ended       bool
	parked      []*sub // their next push must be alone
	held        []*sub // their next push shares a response
	queue       []*sub // subscribers to look at
	unknown     int    // the number of subscribers without a spec for their name
	waiting     int    // the number of subscribers at the head of queue that were found to need a push
	bareCount   int    // the number of subscribers that run nothing
	unlisted    bool   // the response accepted last said that more responses follow
}

// sub is a subscriber: one filter on one stream, the unit of delivery and of status. There are as
// many as Envoys times filters, so the struct is small: times are offsets, the version is packed,
// and rarely known facts are kept apart.
type sub struct {
	f     *filter
	s     *stream
	group *group // nil: the subscriber cannot run the filter

	// running is the revision Envoy runs; nil: none, or not known here.
	running  *snapshot.Revision
	accepted Packed // the version Envoy runs; zero: nothing, as far as is known
	rare     *rare  // nil: nothing rare is known

	joined, since     offset // since is when the state began
	atFilter, atGroup int32  // the places in f.subs and in group.subs
	atParked          int32  // the place in the stream's list of parked subscribers

	trials  uint16 // the bits of the group's trials in which the subscriber is a canary
	state   State
	serving Serving
	closed  bool
	queued  bool    // the subscriber is in the stream's queue
	parked  parking // the reason for which the subscriber is in a list of parked ones
	// awaited: a response with this name is outstanding, perhaps a response to an earlier
	// subscriber of the same name.
	awaited bool
	// owed: the Envoy gets a response even if accepted is the wanted version.
	owed bool
	// replay: the same bytes once more are enough for that response.
	replay bool
	// dirty: Envoy has stored bytes it refused, or may have. The next update of the listener would
	// fail until a good revision is pushed in other bytes.
	dirty bool
	// passedOver: a rollout was continued by hand without this subscriber.
	passedOver bool
}

// parking is the reason for which a subscriber waits until its push can be sent.
type parking uint8

const (
	notParked      parking = iota
	parkedProven           // remote code
	parkedUnproven         // a revision not known to load
	parkedShared           // delta: a shared response is outstanding
)

// offset is a time since the machine started.
type offset time.Duration

func (m *Machine) offset(t time.Time) offset { return offset(t.Sub(m.started)) }
func (m *Machine) at(o offset) time.Time     { return m.started.Add(time.Duration(o)) }

// rare has the facts that are rarely known of a subscriber, for as long as they matter.
type rare struct {
	problem *Problem
	timer   time.Time
	fetch   *fetch // a remote delivery under way; nil: none
	// refused are the revisions this Envoy refused on this stream; nil: none.
	refused map[string]*Problem
	// expects is the type the Envoy asks for, learnt from a NACK; "": not known.
	expects spec.Type
	// noRemote is the sha256 of a module this Envoy could not fetch, and noFile of a module with a
	// file this Envoy could not read. The code goes inline.
	noRemote, noFile string
	// noGET is the token of a remote push without a GET, until the inline push is answered.
	noGET    string
	fellBack *Problem // the reason for inline code; shown while the revision runs
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

// tidy frees rare when nothing rare is known any more.
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

// refusal is why this Envoy refused a revision; nil: not refused.
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
	taken    bool // the Envoy closed the connection after the GET: the code is in Envoy's cache
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

// runtimeOf is the runtime for a stand-in: the first known runtime that the Envoy has.
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

// forgetRefusals drops the refusals of revisions not served any more.
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
