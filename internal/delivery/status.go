package delivery

import (
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
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

// Spread says how far the wanted revision of a filter has come.
type Spread struct {
	Revision *snapshot.Revision // nil: it is not everyone's yet, or there is none
	Since    time.Time          // when it became wanted
	// Live is the number of subscribers that run it, and Without the number of those that do not
	// get the revision: they have refused the revision, or cannot run the revision.
	Live, Without int
	// Done: every subscriber for the revision runs the revision, and there is a subscriber.
	Done bool
}

// SubscriberStatus is the status of a subscriber.
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

// Rollout says how far a revision is on the way to all Envoys.
type Rollout struct {
	Revision string // the candidate, or the stable revision while an Envoy version is new to it
	// Promoted says the rollout goes on by hand without the canaries of the spec.
	Promoted bool
	// Waits are the Envoys the rollout waits for, at most 20. Of each Envoy version, suspects come
	// before loading canaries. Empty: there is no wait.
	Waits []rollout.Wait
	// Stopped is the reason for which the rollout has stopped; nil: the rollout goes on.
	Stopped *Problem
	rollout.Picture
	// Live are the Envoys that run the revision, and Total all Envoys of the filter.
	Live, Total int
	// Freeze is the freeze that holds the rollout; nil: none does.
	Freeze *rollout.Hold
}

// Standing is the standing of a revision among the revisions of a filter.
type Standing uint8

// The standings of a revision.
const (
	Earlier   Standing = iota // was wanted before
	Active                    // Envoys get the revision
	Candidate                 // on the way to all Envoys
	Stable                    // stable, but does not serve now
	Refused                   // Envoys refused the revision and none loads it, or its rollout has stopped
)

// String is the standing as the API has it.
func (s Standing) String() string {
	return [...]string{"earlier", "active", "candidate", "stable", "rejected"}[s]
}

// RevisionStatus is a revision in a filter's history.
type RevisionStatus struct {
	Revision *snapshot.Revision
	Standing Standing
	Wish     Wish     // At is zero if the time was not remembered yet
	Problem  *Problem // the refusal, or the reason of the stop; nil: neither
	// Served is how long the revision has been stable in all, until now.
	Served time.Duration
	// Changes are the keys in which the revision differs from the revision wanted before, see
	// [snapshot.Changes]. nil: the revision before is not known.
	Changes []string
}

// Trial is a rollout under way, or the watch after a promotion, of a filter with `health` in its
// spec: which Envoys run the revision, and which run the stable revision in the same time.
type Trial struct {
	Filter, Revision string
	Stable           string // during the watch: the stable revision before
	// Wave is the index of the wave. During the watch it is the index of the wave "all".
	Wave       int
	Since      time.Time    // when the wave, or the watch, began
	Health     *spec.Health // the limits of the wave, or of the watch
	Candidate  []TrialEnvoy
	StableSide []TrialEnvoy
}

// TrialEnvoy is an Envoy with a revision.
type TrialEnvoy struct {
	Stream StreamID
	Node   string
	Envoy  string    // the version
	Since  time.Time // when the Envoy has begun to run the revision, or has connected with it
}
