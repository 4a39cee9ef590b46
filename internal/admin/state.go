package admin

import (
	"context"
	"net/http"
)

// The codes of a change's errors that are not the server's fault. Any other code is answered with
// 409.
const (
	CodeNoFilter     = "no_such_filter"
	CodeNoRevision   = "no_such_revision"
	CodeNotSupported = "not_supported"
	CodeHasSpec      = "has_spec"        // of forget: the filter has a spec
	CodeStillAsked   = "still_asked_for" // of forget: an Envoy asks for the filter
	CodeSyncTimeout  = "sync_timeout"    // of a sync that did not end in time
)

// CodeRolledBack is the error code of a rolled-back filter: its spec describes another revision
// than the rollback's.
const CodeRolledBack = "rolled_back"

// State is the data that the API shows. Any goroutine may call the methods. They return copies or
// immutable values, without waiting.
type State interface {
	// Filters returns every filter, sorted by name.
	Filters() []Filter
	// Filter returns the filter of that name; false: there is none.
	Filter(name string) (Filter, bool)
	// History returns every revision of that filter that is kept, the newest first; false: no
	// spec ever had the name.
	History(name string) (History, bool)
	// Nodes returns every stream, sorted by stream, and then the Envoys that have gone lately.
	Nodes() []Node
	// Counts returns the numbers of filters for /metrics, without a listing of all Envoys.
	Counts() Counts
	Snapshot() Snapshot
	Source() Source
	// Visitors returns the hosts of the last hour that spoke another protocol than a port does.
	Visitors() []Visitor
	// Limits returns the limits for which streams were ended, sorted by name.
	Limits() []Limit
	// Ready says whether a snapshot can be served. An empty snapshot counts, too.
	Ready() bool
	// Subscribe delivers new events, and the events that the subscriber has missed since the
	// event with that id; see [Hub.Subscribe].
	Subscribe(lastEventID string) Subscription
	// Sync has the specs read now, and returns the outcome once their modules are resolved and
	// the sandbox has tried them, or an error when ctx ends before.
	Sync(ctx context.Context) (Sync, *Error)
	// Rollback serves an earlier revision again, and returns the filter after the change.
	// revision may be a prefix of an id; "" is the last revision that all Envoys had before.
	Rollback(ctx context.Context, name, revision string) (Filter, *Error)
	// Retry tries a refused revision again, and returns the filter after the change. revision may
	// be a prefix of an id; "" is the newest refused revision. With an error, the filter has only
	// a name.
	Retry(ctx context.Context, name, revision string) (Filter, *Error)
	// Promote has a filter's rollout continue without the canaries that the rollout waits for,
	// and returns the filter after the change. With an error, the filter has only a name.
	Promote(ctx context.Context, name string) (Filter, *Error)
	// Forget drops a filter that has no spec and that no Envoy asks for.
	Forget(ctx context.Context, name string) (Forgotten, *Error)
}

// Counts are the numbers of filters and subscribers in each state.
type Counts struct {
	Filters     map[FilterState]int
	WithError   int // filters with newer content than is served
	Subscribers map[SubscriberState]int
	// PerFilter has the filters, sorted by name.
	PerFilter []FilterCounts
	// WithoutModules is the number of Envoys that send no GET for a module.
	WithoutModules int
}

// FilterCounts are the metrics of a filter.
type FilterCounts struct {
	Name        string
	State       FilterState
	WithError   bool
	Subscribers map[SubscriberState]int
}

// Error formats as file:line:column: message (hint).
func (e *Error) Error() string { return formatError(e) }

// status is the HTTP status for an error.
func (e *Error) status() int {
	switch e.Code {
	case CodeNoFilter, CodeNoRevision, codeNotFound:
		return http.StatusNotFound
	case CodeNotSupported:
		return http.StatusNotImplemented
	case codeForbidden:
		return http.StatusForbidden
	case codeMediaType:
		return http.StatusUnsupportedMediaType
	case codeBadRequest:
		return http.StatusBadRequest
	case codeMethod:
		return http.StatusMethodNotAllowed
	case CodeSyncTimeout:
		return http.StatusGatewayTimeout
	case codeTooMany:
		return http.StatusServiceUnavailable
	default:
		return http.StatusConflict
	}
}
