package admin

import (
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// FilterState is the state of a filter as a whole.
type FilterState string

// The filter states. Later versions may add more: a client treats an unknown state as text.
const (
	FilterActive   FilterState = "active"   // Revision is served; Error has the reason if a newer revision is not
	FilterRejected FilterState = "rejected" // no revision can be served: Envoys get a stand-in
	FilterRemoved  FilterState = "removed"  // the spec is gone; OnRemove selects the content for Envoys
	FilterUnknown  FilterState = "unknown"  // an Envoy asks for a name without a spec: denied
	// FilterPreparing is a filter without a revision yet: the first module is being fetched or
	// tried.
	FilterPreparing FilterState = "preparing"
)

// SubscriberState is the state of a filter on an Envoy's stream.
type SubscriberState string

// The subscriber states. Later versions may add more.
const (
	SubscriberPending  SubscriberState = "pending"  // pushed or about to be, no ACK yet
	SubscriberFetching SubscriberState = "fetching" // Envoy is getting the module
	SubscriberLive     SubscriberState = "live"     // new requests run Revision
	SubscriberRejected SubscriberState = "rejected" // Envoy refused; Error has the reason
	SubscriberDenied   SubscriberState = "denied"   // requests are denied, by the spec or for lack of a spec
	// SubscriberUnsupported is an Envoy without the runtime: nothing is sent to this Envoy.
	SubscriberUnsupported SubscriberState = "unsupported"
	SubscriberGone        SubscriberState = "gone" // the stream has ended
)

// Filter is a filter, as GET /api/v1/filters/{name} answers.
type Filter struct {
	Name     string      `json:"name"`
	Type     string      `json:"type"`     // http or network
	Revision string      `json:"revision"` // served now, 12 hex digits; "": no revision of its own
	State    FilterState `json:"state"`
	// Condition is the filter's health, and Envoys counts its Envoys; see [Filter.Summarize].
	Condition Condition `json:"condition"`
	Envoys    Envoys    `json:"envoys"`
	Disabled  bool      `json:"disabled"`
	Error     *Error    `json:"error"`    // null: nothing is wrong
	Warnings  []*Error  `json:"warnings"` // findings of the sandbox that refuse nothing
	Module    Module    `json:"module"`
	SpecFile  string    `json:"specFile"` // "": no spec
	Delivery  string    `json:"delivery"` // remote, inline or file; the server's default is filled in

	Stable    string   `json:"stable"`    // the last revision known to load; "": none yet
	Candidate string   `json:"candidate"` // the revision that is rolling out; "": none
	Rejected  []string `json:"rejected"`  // revisions that an Envoy refused, newest first
	Rollout   string   `json:"rollout"`   // the rollout's progress on one line, for people; "": none
	// RolloutStatus is the progress for machines; null: no rollout.
	RolloutStatus *RolloutStatus `json:"rolloutStatus"`

	Canaries []string `json:"canaries"` // streams that get Candidate first
	OnRemove string   `json:"onRemove"` // keep, passthrough or deny

	// IdleSince is the time since which no Envoy asks for a filter without a spec. ForgetAt is
	// the time at which the filter is forgotten. Absent: an Envoy asks, a spec has the name, or
	// the filter is kept for ever.
	IdleSince time.Time `json:"idleSince,omitzero"`
	ForgetAt  time.Time `json:"forgetAt,omitzero"`

	Subscribers []Subscriber `json:"subscribers"`
}

// Limit is a limit for which streams were ended, as GET /api/v1/limits lists.
type Limit struct {
	Name    string    `json:"name"` // names, names_per_stream, streams, streams_per_node, request_size or node_size; later more
	Flag    string    `json:"flag"` // of serve
	Most    int       `json:"most"`
	Refused uint64    `json:"refused"` // ended streams, since the start
	Last    time.Time `json:"last"`    // the last ended stream
	Node    string    `json:"node"`    // the last ended stream's; "": not known
	Address string    `json:"address"`
}

// Visitor is a host that spoke another protocol than a port for Envoys does.
type Visitor struct {
	Port    string    `json:"port"`    // xds or modules
	Speaks  string    `json:"speaks"`  // tls, http1 or http2; later versions may add more
	Address string    `json:"address"` // of the last connection
	Count   uint64    `json:"count"`   // connections
	Last    time.Time `json:"last"`    // the last connection
	Message string    `json:"message"`
	Hint    string    `json:"hint"` // the setting to change
}

// Forgotten is a filter that was dropped, as POST /api/v1/filters/{name}/forget answers.
type Forgotten struct {
	Name      string    `json:"name"`
	Revisions int       `json:"revisions"`          // dropped revisions
	IdleSince time.Time `json:"idleSince,omitzero"` // no Envoy has asked since
}

// Module names a filter's Wasm bytes.
type Module struct {
	SHA256 string `json:"sha256"` // lowercase hex; "": unknown
	Size   int64  `json:"size"`   // bytes
	// Reference is the module's name in a registry, as in the spec. Digest is the digest of the
	// reference's manifest or index. Both are "" for modules from elsewhere.
	Reference string `json:"reference,omitempty"`
	Digest    string `json:"digest,omitempty"`
	// TagDigest is the present digest of Reference's tag, in the last answer of the registry; "":
	// the same as Digest, or unknown. Without module.refresh, a filter stays with
	// Digest.
	TagDigest string `json:"tagDigest,omitempty"`
}

// FromModule is the API's form of a module.
func FromModule(m snapshot.Module) Module {
	return Module{SHA256: m.SHA256, Size: m.Size, Reference: m.Reference, Digest: m.Digest}
}

// RevisionState is the standing of a filter's revision.
type RevisionState string

// The revision states. Later versions may add more.
const (
	RevisionActive    RevisionState = "active"    // Envoys get the revision
	RevisionCandidate RevisionState = "candidate" // the revision is rolling out
	RevisionStable    RevisionState = "stable"    // the last revision known to load, and not served now
	RevisionRejected  RevisionState = "rejected"  // Envoy refused; Error has the reason
	RevisionEarlier   RevisionState = "earlier"   // was wanted before
)

// History is a filter's revisions, as GET /api/v1/filters/{name}/history answers.
type History struct {
	Name     string `json:"name"`
	Rollback string `json:"rollback"` // the revision for a rollback without a name; "": none
	Error    *Error `json:"error"`    // of the filter
	// Revisions that are kept, the last wanted revision first.
	Revisions []Revision `json:"revisions"`
}

// Revision is a revision in a filter's history.
type Revision struct {
	Revision string        `json:"revision"` // 12 hex digits
	State    RevisionState `json:"state"`
	Wanted   bool          `json:"wanted"` // the spec describes this revision now
	// Since is when the revision became wanted for the last time; absent: not recorded.
	Since time.Time `json:"since,omitzero"`
	// ServedSeconds is how long all Envoys got the revision, until now or until the next
	// revision.
	ServedSeconds int64 `json:"servedSeconds"`
	// Changes are the keys that differ from the next revision in the list, as config.realm; never
	// values. Absent: there is no next revision.
	Changes  []string `json:"changes,omitempty"`
	Module   Module   `json:"module"`
	SpecFile string   `json:"specFile"` // of the revision's spec; "": not recorded
	Error    *Error   `json:"error"`    // the reason of an Envoy's refusal; null: no refusal
}

// Subscriber is a filter on an Envoy's stream.
type Subscriber struct {
	Node     string          `json:"node"`
	Cluster  string          `json:"cluster"`
	Address  string          `json:"address"` // the stream's peer
	Stream   string          `json:"stream"`  // unique while the server runs
	Envoy    string          `json:"envoy"`   // version, 1.40.0; "": unknown
	State    SubscriberState `json:"state"`
	Revision string          `json:"revision"` // runs there, as far as Envoy has answered; "": nothing yet
	Variant  string          `json:"variant"`  // remote, inline, file, passthrough or deny; "": nothing yet
	Error    *Error          `json:"error"`
	// Warnings are settings of Revision that have no effect on this Envoy, because it is too old for
	// them. The spec accepts these losses.
	Warnings []*Error  `json:"warnings"`
	Since    time.Time `json:"since"` // the time at which State was entered
}

// NodeState says whether an Envoy is connected.
type NodeState string

// The node states. Later versions may add more.
const (
	NodeConnected NodeState = "connected"
	NodeGone      NodeState = "gone" // the last stream has ended; Filters ran at that time
)

// Node is an Envoy's stream with its filters, or an Envoy that has gone.
type Node struct {
	ID      string       `json:"id"`
	Cluster string       `json:"cluster"`
	Address string       `json:"address"`
	Envoy   string       `json:"envoy"`
	Stream  string       `json:"stream"`
	Mode    string       `json:"mode"` // ads-delta, ads-sotw, ecds-delta or ecds-sotw
	State   NodeState    `json:"state"`
	Since   time.Time    `json:"since"` // the start of the stream, or the end of the last one
	Filters []NodeFilter `json:"filters"`
	// Warnings are problems of this Envoy, independent of a filter.
	Warnings []*Error `json:"warnings"`
}

// NodeFilter is a filter on an Envoy.
type NodeFilter struct {
	Name     string          `json:"name"`
	State    SubscriberState `json:"state"`
	Revision string          `json:"revision"`
	Variant  string          `json:"variant"`
	Error    *Error          `json:"error"`
	Warnings []*Error        `json:"warnings"` // see [Subscriber.Warnings]
}

// Snapshot is the revisions that are served.
type Snapshot struct {
	Version    string            `json:"version"`    // a hash of the content
	Filters    map[string]string `json:"filters"`    // name to revision
	LoadedFrom string            `json:"loadedFrom"` // directory: read now; state: the last good snapshot, from before the start
	Since      time.Time         `json:"since"`      // the time of the publication
}

// SourceState is the state of the source of specs.
type SourceState string

// The source states. Later versions may add more.
const (
	SourceReading     SourceState = "reading" // silent since the start
	SourceOK          SourceState = "ok"
	SourceDegraded    SourceState = "degraded"    // works, with a problem
	SourceUnavailable SourceState = "unavailable" // cannot be read: the previous content is served on
	SourceHeld        SourceState = "held"        // every spec went at once: held until a spec appears
)

// Source is the place that the specs come from, with the problems of the specs.
type Source struct {
	Directory string      `json:"directory"`
	State     SourceState `json:"state"`
	Error     *Error      `json:"error"`  // the reason if State is not ok
	Errors    []*Error    `json:"errors"` // all errors of the documents
	Since     time.Time   `json:"since"`  // the time at which State was entered
	// Sources are the directory and the bundles, in the order of the command line.
	Sources []SourcePart `json:"sources"`
}

// SourcePart is one of several sources, or the only one.
type SourcePart struct {
	Name     string      `json:"name"` // the directory, or oci:// and the bundle's reference
	State    SourceState `json:"state"`
	Error    *Error      `json:"error"`    // the reason if State is not ok
	Since    time.Time   `json:"since"`    // the time at which State was entered
	Specs    int         `json:"specs"`    // valid documents
	Problems int         `json:"problems"` // invalid documents
}

// Error is a problem, worded for people. Every answer of the API that is not 2xx has an Error, as
// {"error": {…}}.
type Error struct {
	Code    string `json:"code"` // stable, snake_case
	Message string `json:"message"`
	Hint    string `json:"hint"` // the next step; may be ""
	File    string `json:"file"`
	Line    int    `json:"line"` // 1-based; 0: unknown
	Column  int    `json:"column"`
}

// EventType is the kind of a change.
type EventType string

// The event types. Later versions may add more.
const (
	EventFilter   EventType = "filter" // Name is the filter's
	EventNode     EventType = "node"   // Name is the node's id
	EventSource   EventType = "source"
	EventSnapshot EventType = "snapshot" // Name is the new version
	EventReset    EventType = "reset"    // missed events are unknown: read all state again
)

// Event is a change, with the new state in short. The object of the event has the details.
type Event struct {
	ID   string    `json:"id,omitempty"` // for Last-Event-ID; "": the event is not kept
	Type EventType `json:"type"`
	Name string    `json:"name"`
	// State is the new state of the filter, the node or the source; "": see the object itself.
	State string `json:"state,omitempty"`
	// Revision is the served revision of a filter, and Candidate its revision that is rolling
	// out. Error is the code of the filter's error. "": none.
	Revision  string    `json:"revision,omitempty"`
	Candidate string    `json:"candidate,omitempty"`
	Error     string    `json:"error,omitempty"`
	Time      time.Time `json:"time"`
}
