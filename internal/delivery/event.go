package delivery

import (
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// Event is something that happened.
type Event interface{ event() }

type (
	// StreamOpened comes before every other event of the stream.
	StreamOpened struct {
		Stream StreamID
		Node   Node
		ADS    bool // one stream for all names; else a stream serves one subscription
		Delta  bool
	}
	// AccessChanged says which filters the client of a stream may have from now on, and by which
	// name it is known. A filter that the client may not have any more is replaced by a deny.
	AccessChanged struct {
		Stream   StreamID
		Identity string
		Access   Access // nil: all
	}
	// StreamClosed ends a stream. All outstanding responses are lost.
	StreamClosed struct{ Stream StreamID }

	// Requested is a discovery request: first the answer to an outstanding response, then the
	// changes of the subscription.
	Requested struct {
		Stream      StreamID
		Answer      *Answer // nil: the request answers nothing
		Unsubscribe []string
		Subscribe   []Subscription // read only: streams may share the list
	}

	// SnapshotChanged replaces the former snapshot.
	SnapshotChanged struct{ Snapshot *snapshot.Snapshot }

	// FetchStarted says a GET with a push's token has begun. Certificate is the key of the
	// client's names, as in [Node]: a GET by another client counts for nothing.
	FetchStarted struct{ Token, Certificate string }
	// FetchFinished says a GET has ended, complete or not. Taken says the Envoy has
	// closed the connection after the last byte: the code is in Envoy's cache.
	FetchFinished struct {
		Token, Certificate string
		Complete, Taken    bool
	}
	// BuildFailed says a resource of a [Send] could not be made and was not sent.
	BuildFailed struct {
		Stream StreamID
		Name   string
		Reason string
	}
	// ModulesRestored says that modules were fetched again after a module was unreadable.
	ModulesRestored struct{}
	// Promoted continues the rollout of a revision: without the awaited canaries, and without the
	// soak, the health and the pause of the wave under way. By is the user.
	Promoted struct{ Name, Revision, By string }
	// Retried has a revision tried again that was refused, lost or stopped.
	Retried struct{ Name, Revision string }
	// Paused holds the rollout of a revision: no further Envoy gets the revision.
	Paused struct{ Name, Revision, By, Reason string }
	// Resumed ends a pause.
	Resumed struct{ Name, Revision string }
	// Aborted stops the rollout of a revision, or the watch after its promotion: all Envoys get the
	// stable revision, and the revision stays refused until it is retried.
	Aborted struct{ Name, Revision, By, Reason string }
	// Frozen freezes the server: no revision goes to further Envoys, except revisions that were
	// stable before. Thawed ends the freeze.
	Frozen struct{ By, Reason string }
	Thawed struct{}
	// HealthLooked is a look at the health of a revision that rolls out, or that is watched. Reason
	// is one sentence with the figures.
	HealthLooked struct {
		Filter, Revision string
		Outcome          rollout.Outcome
		Reason           string
	}
	// Woken says the time of [Machine.Next] has come.
	Woken struct{}
)

// Answer is an ACK (Message is empty and Nack false) or a NACK.
type Answer struct {
	Name    string // of a resource in the answered response
	Nack    bool
	Message string // the message of error_detail
}

// Subscription is a name a stream asks for.
type Subscription struct {
	Name string
	// Accepted is the version the Envoy says it has accepted; "": none.
	Accepted string
	// Replay asks for a response even if Accepted is the wanted version: the same bytes once more.
	// A SotW client that lost its config needs them, and any other client ignores them.
	Replay bool
}

func (StreamOpened) event()    {}
func (AccessChanged) event()   {}
func (StreamClosed) event()    {}
func (Requested) event()       {}
func (SnapshotChanged) event() {}
func (FetchStarted) event()    {}
func (FetchFinished) event()   {}
func (BuildFailed) event()     {}
func (ModulesRestored) event() {}
func (Promoted) event()        {}
func (Retried) event()         {}
func (Paused) event()          {}
func (Resumed) event()         {}
func (Aborted) event()         {}
func (Frozen) event()          {}
func (Thawed) event()          {}
func (HealthLooked) event()    {}
func (Woken) event()           {}

// Action is something the shell must do.
type Action interface{ action() }

type (
	// Send asks for a response. At most one response with a given name is outstanding on a stream:
	// the next follows the Requested that answers the first. In SotW at most one response is
	// outstanding on a stream. In delta there may be several.
	Send struct {
		Stream StreamID
		Resource
		// Others are further resources of the response, in this order. If a resource cannot be
		// made, the remaining resources are sent.
		Others []Resource
		Envoy  string // the Envoy's version, for the translation
		// Unproven says no Envoy of this version has loaded the revision yet. The unsettled
		// nodes must be on disk before the send: they are the nodes that may hold refused bytes.
		Unproven bool
		// More says, in SotW, that further responses follow as soon as this response is answered,
		// and that their revisions are known to load. Only the last response has to list the
		// accepted versions.
		More bool
	}
	// Changed says the status of a filter may have changed.
	Changed struct{ Name string }
	// Persist says the [Memory] has changed, apart from the unsettled nodes.
	Persist struct{}
	// PersistUnsettled says that [Machine.Unsettled] has changed, which is small whatever the
	// number of filters. Awaited says a [Send] with Unproven waits for the write. Otherwise
	// earlier writes already name the nodes of all sends.
	PersistUnsettled struct{ Awaited bool }
	// EndStream asks the shell to end a stream. All streams together would exceed a budget for
	// names without a spec, and this stream asks for the most. For the machine the stream has
	// ended.
	EndStream struct {
		Stream StreamID
		Over   Budget
	}
	// Forgotten says the machine has dropped everything about a removed filter. The filter is
	// not in [Machine.Snapshot] either.
	Forgotten struct{ Name, SpecFile string }
	// WentLive says a subscriber accepted a revision. Since is when the revision became
	// wanted; zero: the subscriber joined later. Subscribers that joined later are reported once
	// for each response, and Others is the number of further subscribers.
	WentLive struct {
		Name    string
		Variant Variant
		Since   time.Time
		Others  int
	}
	// RolloutChanged reports that a rollout waits for longer than usual, has stopped because Envoys
	// were lost, or goes on. If the rollout goes on, Rollout has no waits.
	RolloutChanged struct {
		Name    string
		Rollout Rollout
	}
	// RolloutMoved reports an event of a rollout, for the log and the subscribers of the API.
	RolloutMoved struct {
		Name, Revision string
		rollout.Moved
	}
	// ModulesReached reports that an Envoy does not reach the module server, so modules are sent
	// inline, or that the Envoy reaches the server again. In the second case only the id and the
	// host of Node are known.
	ModulesReached struct {
		Node    Node
		Reached bool
	}
	// WasRefused reports a NACK, as a verdict or as a step of a remote delivery.
	WasRefused struct {
		Stream               StreamID
		Name, Node, Revision string
		Variant              Variant
		Verdict              bool // false: the code was not cached, the file not readable, or the response had several resources
		WrongType            bool // the Envoy asks for a filter of another type: no verdict
		Message              string
		// Others is the number of further resources in the response. The NACK is a verdict on none
		// of them, and each is sent again alone.
		Others int
	}
)

// Resource is a version of a filter.
type Resource struct {
	Name     string
	Revision *snapshot.Revision
	Version  Version
}

func (Send) action()             {}
func (Changed) action()          {}
func (Persist) action()          {}
func (PersistUnsettled) action() {}
func (EndStream) action()        {}
func (Forgotten) action()        {}
func (WentLive) action()         {}
func (WasRefused) action()       {}
func (ModulesReached) action()   {}
func (RolloutChanged) action()   {}
func (RolloutMoved) action()     {}

// changed notes that the status of a filter may differ after the step.
type changed struct {
	action Action // made once for the filter
	is     bool
}

// set says whether the status may differ, and whether that is news.
func (c *changed) set(is bool) (news bool) {
	news = c.is != is
	c.is = is
	return news
}
