package delivery

import (
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// StreamID names one xDS stream for the life of the process.
type StreamID uint64

// Node is what an Envoy says of itself when it opens a stream.
type Node struct {
	ID, Cluster string
	Metadata    map[string]string
	Address     string // where its connection comes from
	Version     string // Envoy's version, "" when unknown
	// Runtimes are the Wasm runtimes it was built with; nil: it does not say.
	Runtimes []string
}

// Event is something that happened.
type Event interface{ event() }

type (
	// StreamOpened comes before every other event of its stream.
	StreamOpened struct {
		Stream StreamID
		Node   Node
		ADS    bool // one stream for all names; else a stream serves one subscription
		Delta  bool
	}
	// StreamClosed ends a stream: whatever was outstanding on it is lost.
	StreamClosed struct{ Stream StreamID }

	// Requested is one discovery request: first its answer to a response that was
	// outstanding, then what it changes in the subscription.
	Requested struct {
		Stream      StreamID
		Answer      *Answer // nil: it answers nothing
		Unsubscribe []string
		Subscribe   []Subscription // read only: streams may share it
	}

	// SnapshotChanged brings what is wanted now, in place of what was wanted before.
	SnapshotChanged struct{ Snapshot *snapshot.Snapshot }

	// FetchStarted says that a GET with a push's token has begun.
	FetchStarted struct{ Token string }
	// FetchFinished says that a GET has ended, complete or not. Taken says that the
	// Envoy has closed the connection after the last byte: the code is in its cache.
	FetchFinished struct {
		Token           string
		Complete, Taken bool
	}
	// BuildFailed says that a [Send] could not be carried out: nothing was sent.
	BuildFailed struct {
		Stream StreamID
		Name   string
		Reason string
	}
	// ModulesRestored says that modules were brought again, after one could not be read.
	ModulesRestored struct{}
	// Promoted has the rollout of a revision go on without the canaries that it waits for.
	Promoted struct{ Name, Revision string }
	// Retried has a revision tried again that Envoys have refused, or were lost with.
	Retried struct{ Name, Revision string }
	// Woken says that the time of [Machine.Next] has come.
	Woken struct{}
)

// Answer is an ACK (Message is empty and Nack false) or a NACK.
type Answer struct {
	Name    string // a resource's, of the response that it answers
	Nack    bool
	Message string // error_detail's message
}

// Subscription is one name that a stream asks for.
type Subscription struct {
	Name string
	// Accepted is the version that this Envoy says it has accepted, "" for none.
	Accepted string
	// Replay asks for an answer also where Accepted is what is wanted: the same
	// bytes once more, which a SotW client that lost its config needs and any other ignores.
	Replay bool
}

func (StreamOpened) event()    {}
func (StreamClosed) event()    {}
func (Requested) event()       {}
func (SnapshotChanged) event() {}
func (FetchStarted) event()    {}
func (FetchFinished) event()   {}
func (BuildFailed) event()     {}
func (ModulesRestored) event() {}
func (Promoted) event()        {}
func (Retried) event()         {}
func (Woken) event()           {}

// Action is something the shell must do.
type Action interface{ action() }

type (
	// Send asks for one response, nearly always with one resource. Of a name at most one is outstanding
	// on a stream: the next comes after the Requested that answers it. In SotW that is so
	// for the whole stream, in delta several responses may be outstanding.
	Send struct {
		Stream StreamID
		Resource
		// Others share the response, in this order. Where one of them cannot be made, the rest
		// is sent without it.
		Others []Resource
		Envoy  string // the Envoy's version, for the translation
		// Unproven says that no Envoy of this version has loaded the revision yet. What is
		// unsettled must outlive a crash before it is sent: it says who may hold refused bytes.
		Unproven bool
		// More says that others follow in SotW as soon as this one is answered, and are known to
		// load: until the last of them is, a client need not be told what it has accepted.
		More bool
	}
	// Changed says that the status of a filter may read differently now.
	Changed struct{ Name string }
	// Persist says that the [Memory] has changed, but for what is unsettled.
	Persist struct{}
	// PersistUnsettled says that [Machine.Unsettled] has changed. It is small, whatever the
	// number of filters. Awaited says that a [Send] that is Unproven waits until it is on
	// disk; else what was awaited before says already who may get what.
	PersistUnsettled struct{ Awaited bool }
	// EndStream asks to end a stream: all streams ask for more names without a spec than
	// [Config.UnknownNames], and this one for the most. For the machine it has ended.
	EndStream struct{ Stream StreamID }
	// Forgotten says that nothing is kept of a removed filter any more. It is not in
	// [Machine.Snapshot] either.
	Forgotten struct{ Name, SpecFile string }
	// WentLive says that a subscriber accepted a revision. Since is when that became
	// wanted; zero for one that subscribed later: of those, Others are reported with the one.
	WentLive struct {
		Name    string
		Variant Variant
		Since   time.Time
		Others  int
	}
	// RolloutChanged reports that a rollout waits for longer than usual, has stopped because Envoys were
	// lost, or goes on: then nothing in it is waited for.
	RolloutChanged struct {
		Name    string
		Rollout Rollout
	}
	// ModulesReached reports that an Envoy does not reach the module server, so that modules are
	// sent inline, or that it does again. Then of Node only the id and the host are known.
	ModulesReached struct {
		Node    Node
		Reached bool
	}
	// WasRefused reports a NACK, as a verdict or as a step of a remote delivery.
	WasRefused struct {
		Name, Node, Revision string
		Variant              Variant
		Verdict              bool // false: only the code was not there yet, or it had company
		WrongType            bool // the Envoy asks for a filter of another type: no verdict
		Message              string
		// Others is how many resources more were in the response: it is a verdict on none of them,
		// and each is sent again alone.
		Others int
	}
)

// Resource is one version of a filter.
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

// Substitutes makes the built-in stand-ins. All are pure.
type Substitutes interface {
	Deny(filter string, t spec.Type, reason, runtime string) *snapshot.Revision
	Passthrough(filter string, t spec.Type, runtime string) *snapshot.Revision
	// Known is the stand-in that some release has made under that ID, whatever it says; nil: none
	// has. It cannot be sent again: its module is not known.
	Known(filter, runtime, id string) *snapshot.Revision
}
