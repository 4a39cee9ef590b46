package delivery

import (
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// stream is one xDS stream of one Envoy.
type stream struct {
	id   StreamID
	node Node
	ads  bool
	// delta is for the status only: the adapters make both protocols one.
	delta       bool
	subs        map[string]*sub
	outstanding []*push   // sent and not answered, the oldest first
	answeredAt  time.Time // the last answer
	timed       bool      // a timer will look at outstanding
	queue       []*sub    // to be looked at
	waiting     int       // how many of them, from the first on, were found to need a push
	bareCount   int       // subscribers that run nothing
}

// push is one response with one resource.
type push struct {
	u       *sub
	rev     *snapshot.Revision
	version Version
	at      time.Time
	replay  bool
	alone   bool // nothing else may be outstanding on its stream
	// unproven: no Envoy of the version had loaded the revision when it was sent.
	unproven bool
	late     bool // no answer within Config.AckWait
}

// sub is one filter on one stream: the unit of delivery and of status.
type sub struct {
	f      *filter
	s      *stream
	group  *group // nil: it cannot run the filter
	closed bool
	queued bool
	// awaited: a response with its name is outstanding, perhaps one to the subscriber of
	// that name before it.
	awaited bool
	joined  time.Time
	timer   time.Time

	// accepted is the version that Envoy runs; zero: nothing, as far as is known.
	accepted Version
	running  *snapshot.Revision // accepted's revision; nil: none, or unknown here
	// owed: an answer is owed even where accepted is what is wanted.
	owed bool
	// replay: the same bytes once more do for that answer.
	replay bool
	// dirty: Envoy has stored bytes it refused, or may have: the next update of
	// its listener would fail, until something good is pushed in other bytes.
	dirty bool
	// refused are the revisions that this Envoy refused on this stream; nil: none.
	refused map[string]*Problem
	// expects is the type that the Envoy asks for, learnt from a NACK; "": not known.
	expects spec.Type
	fetch   *fetch   // a remote delivery under way; nil: none
	trouble *trouble // with how code travels to this Envoy; nil: none

	state   State
	since   time.Time
	problem *Problem
	serving Serving
}

// trouble is what is rarely known of a subscriber.
type trouble struct {
	// noRemote is the sha256 of a module that this Envoy could not fetch, noFile of
	// one whose file it could not read: that one goes inline.
	noRemote, noFile string
	fellBack         *Problem // why; shown while the revision runs
}

// troubles is for writing.
func (u *sub) troubles() *trouble {
	if u.trouble == nil {
		u.trouble = &trouble{}
	}
	return u.trouble
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

func (u *sub) bare() bool { return u.accepted == (Version{}) }

// runs says whether new requests at this Envoy run r.
func (u *sub) runs(r *snapshot.Revision) bool { return u.accepted.Revision == r.ID }

func (u *sub) setAccepted(v Version, r *snapshot.Revision) {
	if u.bare() && v != (Version{}) {
		u.s.bareCount--
	} else if !u.bare() && v == (Version{}) {
		u.s.bareCount++
	}
	u.accepted, u.running = v, r
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
	if w == nil || w.Revision == nil || !u.selected() || u.expects != "" && u.expects != w.Type {
		return false
	}
	return u.s.node.hasRuntime(w.Revision.VM.Runtime)
}

// refuse notes that this Envoy does not take a revision.
func (u *sub) refuse(revision string, p *Problem) {
	if u.refused == nil {
		u.refused = map[string]*Problem{}
	}
	u.refused[revision] = p
}

// forgetRefusals drops the refusals of revisions that are not served any more.
func (u *sub) forgetRefusals() {
	for id := range u.refused {
		if u.f.revision(id) == nil {
			delete(u.refused, id)
		}
	}
}

func (u *sub) setState(m *Machine, s State, p *Problem) {
	if u.state == s && equalProblem(u.problem, p) {
		return
	}
	if u.state != s {
		u.since = m.now
	}
	u.state, u.problem = s, p
	m.changed[u.f.name] = struct{}{}
}
