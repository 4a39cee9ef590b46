package admin

import (
	"context"
	"net/http"
)

// The codes of a change's errors that are not the server's fault; any other
// code is answered as 409.
const (
	CodeNoFilter     = "no_such_filter"
	CodeNoRevision   = "no_such_revision"
	CodeNotSupported = "not_supported"
	CodeHasSpec      = "has_spec"        // of forget: the filter's spec is there
	CodeStillAsked   = "still_asked_for" // of forget: an Envoy asks for the filter
	CodeSyncTimeout  = "sync_timeout"    // of a sync that has not ended in its time
)

// CodeRolledBack is the code of the error of a filter that a rollback keeps from what its spec describes.
const CodeRolledBack = "rolled_back"

// State is what the API shows. Its methods may be called from any goroutine and
// return copies (or immutable values) without waiting.
type State interface {
	// Filters is every filter, sorted by name.
	Filters() []Filter
	// Filter is the filter of that name, false when there is none.
	Filter(name string) (Filter, bool)
	// History is every revision of that filter that is kept, the newest first; false when no
	// spec ever had the name.
	History(name string) (History, bool)
	// Nodes is every open stream, sorted by stream, and then the Envoys that have gone lately.
	Nodes() []Node
	// Counts is what /metrics shows of the filters: however many Envoys there are, it
	// takes no listing of them.
	Counts() Counts
	Snapshot() Snapshot
	Source() Source
	// Visitors are the hosts that spoke another protocol than a port does, in the last hour.
	Visitors() []Visitor
	// Limits are those that streams were ended for, sorted by name.
	Limits() []Limit
	// Ready says whether a snapshot can be served, an empty one too.
	Ready() bool
	// Subscribe brings what changes from now on, and what the subscriber has missed since the event
	// with that id; see [Hub.Subscribe].
	Subscribe(lastEventID string) Subscription
	// Sync has the specs read as they are now, and returns what that led to once their modules
	// are resolved and the sandbox has tried them, or an error when ctx ends before.
	Sync(ctx context.Context) (Sync, *Error)
	// Rollback serves an earlier revision again, and returns the filter as it then is.
	// revision may be the beginning of its id; "" is the last one that all Envoys had before.
	Rollback(ctx context.Context, name, revision string) (Filter, *Error)
	// Retry tries a refused revision again, and returns the filter as it then is. revision may be the
	// beginning of its id; "" is the newest one that was refused. On an error the filter has its name alone.
	Retry(ctx context.Context, name, revision string) (Filter, *Error)
	// Promote has a filter's rollout go on without the canaries that it waits for, and returns the filter as it
	// then is. On an error that has its name alone.
	Promote(ctx context.Context, name string) (Filter, *Error)
	// Forget drops a filter whose spec is gone and that no Envoy asks for.
	Forget(ctx context.Context, name string) (Forgotten, *Error)
}

// Counts are how many filters and subscribers there are in each state.
type Counts struct {
	Filters     map[FilterState]int
	WithError   int // filters whose newest content is not served
	Subscribers map[SubscriberState]int
	// PerFilter are the filters, sorted by name.
	PerFilter []FilterCounts
	// WithoutModules is the number of Envoys that send no GET for a module.
	WithoutModules int
}

// FilterCounts are what the metrics show of one filter.
type FilterCounts struct {
	Name        string
	State       FilterState
	WithError   bool
	Subscribers map[SubscriberState]int
}

// Error formats as file:line:column: message (hint).
func (e *Error) Error() string { return formatError(e) }

// status is the HTTP status that an error is answered with.
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
