package admin

import (
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// FilterState is what is true of a filter as a whole.
type FilterState string

// The filter states. More may come: a client treats one it does not know as text.
const (
	FilterActive   FilterState = "active"   // Revision is served; Error says why a newer one is not
	FilterRejected FilterState = "rejected" // nothing of it can be served: Envoys get a stand-in
	FilterRemoved  FilterState = "removed"  // its spec is gone; OnRemove says what Envoys get
	FilterUnknown  FilterState = "unknown"  // an Envoy asks for a name that no spec has: denied
	// FilterPreparing is a filter whose first module is being fetched or tried.
	FilterPreparing FilterState = "preparing"
)

// SubscriberState is what is true of one filter on one Envoy's stream.
type SubscriberState string

// The subscriber states. More may come.
const (
	SubscriberPending  SubscriberState = "pending"  // pushed or about to be, no ACK yet
	SubscriberFetching SubscriberState = "fetching" // Envoy is getting the module
	SubscriberLive     SubscriberState = "live"     // new requests run Revision
	SubscriberRejected SubscriberState = "rejected" // Envoy refused; Error says why
	SubscriberDenied   SubscriberState = "denied"   // its requests are denied as the spec says, or as no spec has the name
	// SubscriberUnsupported is an Envoy that was built without the runtime: nothing is sent to it.
	SubscriberUnsupported SubscriberState = "unsupported"
	SubscriberGone        SubscriberState = "gone" // its stream has ended
)

// Filter is one filter, as GET /api/v1/filters/{name} answers it.
type Filter struct {
	Name     string      `json:"name"`
	Type     string      `json:"type"`     // http or network
	Revision string      `json:"revision"` // what is served, 12 hex digits; "": nothing of its own
	State    FilterState `json:"state"`
	// Condition is how the filter does, and Envoys how many run it; see [Filter.Summarize].
	Condition Condition `json:"condition"`
	Envoys    Envoys    `json:"envoys"`
	Disabled  bool      `json:"disabled"`
	Error     *Error    `json:"error"`    // null: nothing is wrong
	Warnings  []*Error  `json:"warnings"` // what the sandbox found and does not refuse
	Module    Module    `json:"module"`
	SpecFile  string    `json:"specFile"` // "": there is none
	Delivery  string    `json:"delivery"` // remote, inline or file, the server's default filled in

	Stable    string   `json:"stable"`    // the last revision known to load; "": none yet
	Candidate string   `json:"candidate"` // the revision that is rolling out; "": none
	Rejected  []string `json:"rejected"`  // revisions that an Envoy refused, newest first
	Rollout   string   `json:"rollout"`   // one line for people: how far the rollout is; "": none
	// RolloutStatus is that for machines; null: nothing is rolled out.
	RolloutStatus *RolloutStatus `json:"rolloutStatus"`

	Canaries []string `json:"canaries"` // streams that get Candidate first
	OnRemove string   `json:"onRemove"` // keep, passthrough or deny

	// IdleSince is since when no Envoy asks for a filter whose spec is gone, and ForgetAt when it
	// is forgotten; absent: an Envoy asks, or a spec has the name, or it is kept for ever.
	IdleSince time.Time `json:"idleSince,omitzero"`
	ForgetAt  time.Time `json:"forgetAt,omitzero"`

	Subscribers []Subscriber `json:"subscribers"`
}

// Limit is a limit that streams were ended for, as GET /api/v1/limits lists it.
type Limit struct {
	Name    string    `json:"name"` // names, names_per_stream, streams, streams_per_node, request_size or node_size; more may come
	Flag    string    `json:"flag"` // of serve
	Most    int       `json:"most"`
	Refused uint64    `json:"refused"` // streams that were ended, since the start
	Last    time.Time `json:"last"`    // the last of them
	Node    string    `json:"node"`    // and where it came from; "": it had not said so
	Address string    `json:"address"`
}

// Visitor is a host that spoke another protocol than one of Envoy's ports does.
type Visitor struct {
	Port    string    `json:"port"`    // xds or modules
	Speaks  string    `json:"speaks"`  // tls, http1 or http2; more may come
	Address string    `json:"address"` // the last connection's
	Count   uint64    `json:"count"`   // connections
	Last    time.Time `json:"last"`    // the last of them
	Message string    `json:"message"`
	Hint    string    `json:"hint"` // the setting to change
}

// Forgotten is a filter that was dropped, as POST /api/v1/filters/{name}/forget answers it.
type Forgotten struct {
	Name      string    `json:"name"`
	Revisions int       `json:"revisions"`          // how many revisions were dropped
	IdleSince time.Time `json:"idleSince,omitzero"` // since when no Envoy had asked for it
}

// Module names a filter's Wasm bytes.
type Module struct {
	SHA256 string `json:"sha256"` // lowercase hex; "": none is known
	Size   int64  `json:"size"`   // bytes
	// Reference is how the spec names it in a registry, and Digest what that led to:
	// the digest of a manifest or an index. Both are "" for other modules.
	Reference string `json:"reference,omitempty"`
	Digest    string `json:"digest,omitempty"`
	// TagDigest is where Reference's tag leads now, as far as the registry has said; "" when that
	// is Digest or not known. A filter whose spec has no module.refresh stays with Digest.
	TagDigest string `json:"tagDigest,omitempty"`
}

// FromModule is what the API shows of a module.
func FromModule(m snapshot.Module) Module {
	return Module{SHA256: m.SHA256, Size: m.Size, Reference: m.Reference, Digest: m.Digest}
}

// RevisionState is where a revision of a filter stands.
type RevisionState string

// The revision states. More may come.
const (
	RevisionActive    RevisionState = "active"    // Envoys get it
	RevisionCandidate RevisionState = "candidate" // it is rolling out
	RevisionStable    RevisionState = "stable"    // the last one known to load, and not what is served now
	RevisionRejected  RevisionState = "rejected"  // Envoy refused it; Error says why
	RevisionEarlier   RevisionState = "earlier"   // it was wanted before
)

// History is a filter's revisions, as GET /api/v1/filters/{name}/history answers it.
type History struct {
	Name     string `json:"name"`
	Rollback string `json:"rollback"` // what a rollback that names no revision would serve; "": there is none
	Error    *Error `json:"error"`    // the filter's own
	// Revisions that are kept, the one that was wanted last first.
	Revisions []Revision `json:"revisions"`
}

// Revision is one revision in a filter's history.
type Revision struct {
	Revision string        `json:"revision"` // 12 hex digits
	State    RevisionState `json:"state"`
	Wanted   bool          `json:"wanted"` // it is what the spec describes now
	// Since is when it became the one to be served, the last time; absent where that was
	// not recorded.
	Since time.Time `json:"since,omitzero"`
	// ServedSeconds is for how long all Envoys got it, until now or until it was replaced.
	ServedSeconds int64 `json:"servedSeconds"`
	// Changes are the keys in which it differs from the next one in the list, as config.realm; never
	// their values. Absent: there is none to compare with.
	Changes  []string `json:"changes,omitempty"`
	Module   Module   `json:"module"`
	SpecFile string   `json:"specFile"` // where its spec lay; "": not recorded
	Error    *Error   `json:"error"`    // why an Envoy refused it; null: none has
}

// Subscriber is one filter on one Envoy's stream.
type Subscriber struct {
	Node     string          `json:"node"`
	Cluster  string          `json:"cluster"`
	Address  string          `json:"address"` // the stream's peer
	Stream   string          `json:"stream"`  // unique while the server runs
	Envoy    string          `json:"envoy"`   // version, 1.40.0; "": not told
	State    SubscriberState `json:"state"`
	Revision string          `json:"revision"` // what runs there, as far as Envoy has said; "": nothing yet
	Variant  string          `json:"variant"`  // remote, inline, file, passthrough or deny; "": nothing yet
	Error    *Error          `json:"error"`
	Since    time.Time       `json:"since"` // when State was entered
}

// NodeState says whether an Envoy is there.
type NodeState string

// The node states. More may come.
const (
	NodeConnected NodeState = "connected"
	NodeGone      NodeState = "gone" // its last stream has ended; Filters are what it ran then
)

// Node is one Envoy's stream with what it asks for, or an Envoy that has gone.
type Node struct {
	ID      string       `json:"id"`
	Cluster string       `json:"cluster"`
	Address string       `json:"address"`
	Envoy   string       `json:"envoy"`
	Stream  string       `json:"stream"`
	Mode    string       `json:"mode"` // ads-delta, ads-sotw, ecds-delta or ecds-sotw
	State   NodeState    `json:"state"`
	Since   time.Time    `json:"since"` // when the stream began, or the Envoy went
	Filters []NodeFilter `json:"filters"`
	// Warnings are what is wrong with this Envoy, whatever the filter.
	Warnings []*Error `json:"warnings"`
}

// NodeFilter is a filter as one Envoy has it.
type NodeFilter struct {
	Name     string          `json:"name"`
	State    SubscriberState `json:"state"`
	Revision string          `json:"revision"`
	Variant  string          `json:"variant"`
	Error    *Error          `json:"error"`
}

// Snapshot is the set of revisions that is served.
type Snapshot struct {
	Version    string            `json:"version"`    // a hash of the content
	Filters    map[string]string `json:"filters"`    // name to revision
	LoadedFrom string            `json:"loadedFrom"` // directory: read now; state: the last good one, from before the start
	Since      time.Time         `json:"since"`      // when it was published
}

// SourceState is what is true of the place that the specs come from.
type SourceState string

// The source states. More may come.
const (
	SourceReading     SourceState = "reading" // it has said nothing yet since the start
	SourceOK          SourceState = "ok"
	SourceDegraded    SourceState = "degraded"    // works, but not as well as it should
	SourceUnavailable SourceState = "unavailable" // cannot be read: what was served is served on
	SourceHeld        SourceState = "held"        // every spec went at once: held until one appears
)

// Source is the place that the specs come from, and what is wrong with them.
type Source struct {
	Directory string      `json:"directory"`
	State     SourceState `json:"state"`
	Error     *Error      `json:"error"`  // why State is not ok
	Errors    []*Error    `json:"errors"` // of the documents, all of them
	Since     time.Time   `json:"since"`  // when State was entered
	// Sources are the directory and the bundles, one by one, in the order of the command line.
	Sources []SourcePart `json:"sources"`
}

// SourcePart is one of the places that the specs come from.
type SourcePart struct {
	Name     string      `json:"name"` // the directory, or oci:// and the bundle's reference
	State    SourceState `json:"state"`
	Error    *Error      `json:"error"`    // why State is not ok
	Since    time.Time   `json:"since"`    // when State was entered
	Specs    int         `json:"specs"`    // valid documents
	Problems int         `json:"problems"` // of the others
}

// Error is a problem, worded for people. It is also what every answer of the API
// that is not 2xx carries, as {"error": {…}}.
type Error struct {
	Code    string `json:"code"` // stable, snake_case
	Message string `json:"message"`
	Hint    string `json:"hint"` // the next step; may be ""
	File    string `json:"file"`
	Line    int    `json:"line"` // 1-based; 0: unknown
	Column  int    `json:"column"`
}

// EventType says what has changed.
type EventType string

// The event types. More may come.
const (
	EventFilter   EventType = "filter" // Name is the filter's
	EventNode     EventType = "node"   // Name is the node's id
	EventSource   EventType = "source"
	EventSnapshot EventType = "snapshot" // Name is the new version
	EventReset    EventType = "reset"    // what was missed is not known: ask for everything
)

// Event says that something has changed, and what is true of it now in a few words; the thing
// itself has the rest.
type Event struct {
	ID   string    `json:"id,omitempty"` // for Last-Event-ID; "": it is not kept
	Type EventType `json:"type"`
	Name string    `json:"name"`
	// State is the new state: a filter's, a node's or the source's; "": see the thing itself.
	State string `json:"state,omitempty"`
	// Revision is what a filter serves, and Candidate what is rolling out. Error is the code of
	// what is wrong with it. "": none.
	Revision  string    `json:"revision,omitempty"`
	Candidate string    `json:"candidate,omitempty"`
	Error     string    `json:"error,omitempty"`
	Time      time.Time `json:"time"`
}
