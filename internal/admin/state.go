package admin

import (
	"context"
	"fmt"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/events"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// State is the data of the API. Any goroutine may call the methods. They return copies or immutable
// values, without waiting.
type State interface {
	// Filters returns every filter, sorted by name.
	Filters() []api.Filter
	// Filter returns the filter with this name; false: there is none.
	Filter(name string) (api.Filter, bool)
	// History returns every kept revision of the filter, the newest first; false: no spec ever had
	// the name.
	History(name string) (api.History, bool)
	// Diff compares two revisions of the filter. Each may be a prefix of an id, or "" for the
	// usual one.
	Diff(name, from, to string) (api.Diff, *api.Error)
	// Figures returns the figures of the last minutes of the Envoys with a filter; false: there is
	// no filter.
	Figures(name string) (api.FilterFigures, bool)
	// Content returns the settings, the resource and the tests of the filter, without secrets;
	// false: no spec ever had the name.
	Content(name string) (api.Content, bool)
	// Nodes returns every stream, sorted by stream, and then the Envoys that have gone lately.
	Nodes() []api.Node
	Snapshot() api.Snapshot
	Source() api.Source
	// Visitors returns the hosts of the last hour that spoke another protocol than a port does.
	Visitors() []api.Visitor
	// Limits returns the limits for which streams were ended, sorted by name.
	Limits() []api.Limit
	// Certificates returns the certificates of the ports that speak TLS.
	Certificates() []api.Certificate
	// Webhooks returns the receivers of messages.
	Webhooks() []api.Webhook
	// TestWebhooks sends a test message to the webhook with this URL, or with "" to all webhooks,
	// and waits for the outcomes. The name of the user is in ctx.
	TestWebhooks(ctx context.Context, url string) ([]api.WebhookTest, *api.Error)
	// Replica describes this replica.
	Replica() api.Replica
	// Identity returns how Envoys are bound to their certificates.
	Identity() api.Identity
	// Tokens returns the state of the file of tokens.
	Tokens() api.Tokens
	// Ready says why no snapshot can be served yet; nil: a snapshot can be served. An empty
	// snapshot counts, too.
	Ready() error
	// Subscribe delivers new events, and the missed events since the event with this id; see
	// [events.Hub.Subscribe].
	Subscribe(lastEventID string) events.Subscription
	// Sync has the specs read now, and returns the outcome once their modules are resolved and
	// the sandbox has tried them, or an error when ctx ends before.
	Sync(ctx context.Context) (api.Sync, *api.Error)
	// Rollback serves an earlier revision again, and returns the filter after the change. revision
	// may be a prefix of an id; "" is the last revision of all Envoys before.
	// The name of the user is in ctx: see [api.UserOf]. With pin the rollback holds until Unpin.
	Rollback(ctx context.Context, name, revision string, pin bool) (api.Filter, *api.Error)
	// Unpin ends a rollback, and returns the filter after the change.
	Unpin(ctx context.Context, name string) (api.Filter, *api.Error)
	// Pause, Resume and Abort hold, continue or stop a filter's rollout, and return the filter
	// after the change. With an error, the filter has only a name.
	Pause(ctx context.Context, name, reason string) (api.Filter, *api.Error)
	Resume(ctx context.Context, name string) (api.Filter, *api.Error)
	Abort(ctx context.Context, name, reason string) (api.Filter, *api.Error)
	// Freeze is the freeze of the server. SetFreeze begins a freeze, or ends it.
	Freeze() api.Freeze
	SetFreeze(ctx context.Context, frozen bool, reason string) (api.Freeze, *api.Error)
	// Retry tries a refused revision again, and returns the filter after the change. revision may
	// be a prefix of an id; "" is the newest refused revision. With an error, the filter has only
	// a name.
	Retry(ctx context.Context, name, revision string) (api.Filter, *api.Error)
	// Promote has a filter's rollout continue without the awaited canaries, and returns the filter
	// after the change. With an error, the filter has only a name.
	Promote(ctx context.Context, name string) (api.Filter, *api.Error)
	// Forget drops a filter without a spec and without an Envoy.
	Forget(ctx context.Context, name string) (api.Forgotten, *api.Error)
}

// noFilter is the error for a name without a filter, with the nearest name as a hint.
func noFilter(state State, name string) *api.Error {
	var known []string
	for _, f := range state.Filters() {
		if f.State != api.FilterUnknown {
			known = append(known, f.Name)
		}
	}
	e := &api.Error{
		Code: api.CodeNoFilter, Message: fmt.Sprintf("there is no filter %q", name),
		Hint: "`wasm-xds status` and GET /api/v1/filters list them all",
	}
	if len(known) == 0 {
		e.Hint = "there is no filter at all yet: put a spec into the watched directory"
	} else if nearest := spec.Nearest(name, known); nearest != "" {
		e.Hint = fmt.Sprintf("did you mean %q?", nearest)
	}
	return e
}
