package delivery

import (
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
	"github.com/wasm-xds/wasm-xds/internal/delivery/unsettled"
	"github.com/wasm-xds/wasm-xds/internal/delivery/verdict"
	"github.com/wasm-xds/wasm-xds/internal/ledger"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// filter has everything about one name: its revisions, their rollout, and the subscribers.
type filter struct {
	// The first fields are read for each new subscriber and at each look, and lie close together in
	// the processor's cache: BenchmarkConnect notices the loss.
	name    string
	subs    []*sub            // in no order
	states  [numStates]int32  // the number of subs in each state
	groups  map[string]*group // by Envoy version
	changed changed
	revisions

	verdicts *verdict.Book
	freeze   *freeze // of the server
	nodes    *unsettled.Nodes
	rollout  rollout.Rollout
	ordered  []*group        // groups by version; nil: not sorted yet
	asGroups []rollout.Group // the same, as a rollout sees them
	grouping uint64          // rises when a group comes or goes
	calm     calm
	look     time.Time // the last timer set
	idle     idle
	report   report
	gone     []SubscriberStatus
	// followed has the fleet's decisions; nil: the server decides alone. follows is the record that
	// was carried out last.
	followed *followed
	follows  *ledger.Record
	// typeHint is the type Envoys expect of a name without a spec; "": http is tried first.
	typeHint spec.Type
}

func newFilter(name string, verdicts *verdict.Book, frozen *freeze, w *followed, now time.Time) *filter {
	return &filter{
		name: name, nodes: unsettled.NewNodes(), groups: map[string]*group{}, verdicts: verdicts, freeze: frozen, followed: w,
		revisions: revisions{since: now}, changed: changed{action: Changed{Name: name}},
	}
}

// group has the subscribers of an Envoy version that can run the filter. It is a [rollout.Group].
type group struct {
	f        *filter
	envoy    string
	subs     []*sub
	trials   trials
	cache    verdict.Cache
	old      oldCache
	selected int // the number of subs selected by the canary policy
}

// stream is one xDS stream of an Envoy.
type stream struct {
	id    StreamID
	node  Node
	ads   bool
	delta bool

	subs      []*sub // sorted by name
	bareCount int    // the number of subscribers that run nothing
	unknown   load   // the subscribers without a spec for their name

	outstanding []*response // sent and not answered, the oldest first
	window      window
	conduct
	ended bool

	queue    []*sub // subscribers to look at
	waiting  int    // the number of subscribers at the head of queue that were found to need a push
	alone    []*sub // parked: their next push must be alone
	sharing  []*sub // parked: their next push shares a response
	isTimed  bool   // a timer will look at outstanding
	isQueued bool   // the step looks at the stream before it ends
}

// sub is a subscriber: a filter on a stream, the unit of delivery and of status. There are as
// many as Envoys times filters, so the struct is small: times are offsets, the version is packed,
// and rarely known facts are kept apart. TestMemoryPerSubscriber notices its growth.
type sub struct {
	f     *filter
	s     *stream
	group *group // nil: the subscriber cannot run the filter

	belief
	rare

	joined, since     offset // since is when the state began
	atFilter, atGroup int32  // the places in f.subs and in group.subs
	atParked          int32  // the place in the stream's list of parked subscribers

	badge   badge // has the trials in which the subscriber is a canary
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

// response is sent and answered as a whole: one resource, or several of which none will be refused,
// as far as is known.
type response struct {
	pushes []push
	one    [1]push // the memory of pushes while there is at most one push
	at     time.Time
	class  class
	shares bool // more pushes may join the response
	alone  bool // nothing else may be outstanding on the stream
	late   bool // no answer within Config.AckWait
	more   bool // SotW: the response says that more responses follow
}

// push is one resource of a response.
type push struct {
	u       *sub
	rev     *snapshot.Revision
	version Version
	replay  bool
	// unproven: no Envoy of the version had loaded the revision when the push was made.
	unproven bool
}
