package admin

import (
	"context"
	"errors"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/events"
)

// fake is a State with fields for tests.
type fake struct {
	events.Hub
	filters      []api.Filter
	nodes        []api.Node
	source       api.Source
	ready        bool
	rolledBack   []string // name@revision
	decided      []string
	forgotten    []string
	limits       []api.Limit
	certificates []api.Certificate
	identity     api.Identity
	replica      api.Replica
	tokens       api.Tokens
	webhooks     []api.Webhook
	tested       []string // URL by user
	visitors     []api.Visitor
	histories    map[string]api.History
	contents     map[string]api.Content
	refuse       *api.Error
	freeze       api.Freeze
	syncedFor    time.Duration
}

func (f *fake) Filters() []api.Filter { return f.filters }
func (f *fake) Nodes() []api.Node     { return f.nodes }
func (f *fake) Source() api.Source    { return f.source }
func (f *fake) Ready() error {
	if f.ready {
		return nil
	}
	return errors.New("there is no snapshot yet")
}
func (f *fake) Limits() []api.Limit { return f.limits }

func (f *fake) Identity() api.Identity { return f.identity }

func (f *fake) Replica() api.Replica { return f.replica }

func (f *fake) Tokens() api.Tokens { return f.tokens }

func (f *fake) Certificates() []api.Certificate { return f.certificates }
func (f *fake) Webhooks() []api.Webhook         { return f.webhooks }
func (f *fake) Visitors() []api.Visitor         { return f.visitors }

func (f *fake) TestWebhooks(ctx context.Context, url string) ([]api.WebhookTest, *api.Error) {
	f.tested = append(f.tested, url+" by "+api.UserOf(ctx))
	return []api.WebhookTest{{Receiver: "hooks.example.com", Taken: true, Status: "204 No Content"}}, f.refuse
}

func (f *fake) Snapshot() api.Snapshot {
	return api.Snapshot{Version: "v1", Filters: map[string]string{}}
}

func (f *fake) Filter(name string) (api.Filter, bool) {
	for _, one := range f.filters {
		if one.Name == name {
			return one, true
		}
	}
	return api.Filter{}, false
}

func (f *fake) Content(name string) (api.Content, bool) {
	c, ok := f.contents[name]
	return c, ok
}

func (f *fake) History(name string) (api.History, bool) {
	h, ok := f.histories[name]
	return h, ok
}

func (f *fake) Diff(name, from, to string) (api.Diff, *api.Error) {
	if _, ok := f.histories[name]; !ok {
		return api.Diff{}, &api.Error{Code: api.CodeNoFilter}
	}
	return api.Diff{Name: name, From: api.Revision{Revision: from}, To: api.Revision{Revision: to}}, f.refuse
}

func (f *fake) Figures(name string) (api.FilterFigures, bool) {
	_, ok := f.Filter(name)
	side := api.FiguresSide{Points: []api.FiguresPoint{}}
	return api.FilterFigures{Name: name, Seconds: 10, Canary: side, Stable: side}, ok
}

func (f *fake) Sync(ctx context.Context) (api.Sync, *api.Error) {
	deadline, _ := ctx.Deadline()
	f.syncedFor = time.Until(deadline).Round(time.Second)
	return api.Sync{Version: "v2", Filters: []api.SyncFilter{{Name: "auth", Revision: "0123456789ab", State: api.FilterActive}}}, f.refuse
}

func (f *fake) Freeze() api.Freeze { return f.freeze }

func (f *fake) SetFreeze(ctx context.Context, frozen bool, reason string) (api.Freeze, *api.Error) {
	f.freeze = api.Freeze{Frozen: frozen, Reason: reason, By: api.UserOf(ctx)}
	return f.freeze, f.refuse
}

func (f *fake) Unpin(ctx context.Context, name string) (api.Filter, *api.Error) {
	return f.steer(ctx, "unpin", name, "")
}

func (f *fake) Pause(ctx context.Context, name, reason string) (api.Filter, *api.Error) {
	return f.steer(ctx, "pause", name, reason)
}

func (f *fake) Resume(ctx context.Context, name string) (api.Filter, *api.Error) {
	return f.steer(ctx, "resume", name, "")
}

func (f *fake) Abort(ctx context.Context, name, reason string) (api.Filter, *api.Error) {
	return f.steer(ctx, "abort", name, reason)
}

// steer notes the command of a user.
func (f *fake) steer(ctx context.Context, action, name, reason string) (api.Filter, *api.Error) {
	if f.refuse != nil {
		return api.Filter{Name: name}, f.refuse
	}
	f.decided = append(f.decided, action+" "+name+": "+reason+" by "+api.UserOf(ctx))
	return api.Filter{Name: name}, nil
}

func (f *fake) Rollback(_ context.Context, name, revision string, pin bool) (api.Filter, *api.Error) {
	if pin {
		revision += " pinned"
	}
	if f.refuse != nil {
		return api.Filter{}, f.refuse
	}
	one, ok := f.Filter(name)
	if !ok {
		return api.Filter{}, &api.Error{Code: api.CodeNoFilter}
	}
	f.rolledBack = append(f.rolledBack, name+"@"+revision)
	return one, nil
}

func (f *fake) Forget(_ context.Context, name string) (api.Forgotten, *api.Error) {
	if f.refuse != nil {
		return api.Forgotten{}, f.refuse
	}
	if _, ok := f.Filter(name); !ok {
		return api.Forgotten{}, &api.Error{Code: api.CodeNoFilter}
	}
	f.forgotten = append(f.forgotten, name)
	return api.Forgotten{Name: name, Revisions: 2}, nil
}

func someState() *fake {
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return &fake{
		ready: true,
		filters: []api.Filter{
			{
				Name: "auth", Type: "http", Revision: "0123456789ab", State: api.FilterActive, Module: api.Module{SHA256: "ff", Size: 7},
				SpecFile: "/specs/auth.yaml", OnRemove: "keep", Delivery: "remote",
				Subscribers: []api.Subscriber{{Node: "edge-1", Cluster: "edge", Address: "127.0.0.1:5", Stream: "1", Envoy: "1.40.0", State: api.SubscriberLive, Revision: "0123456789ab", Variant: "inline", Since: since}},
			},
			{Name: "team/hello", Type: "http", State: api.FilterRejected, Error: &api.Error{Code: "module_missing", Message: "no such file", File: "hello.yaml", Line: 3, Column: 9}},
		},
		source: api.Source{Directory: "/specs", State: api.SourceOK},
	}
}
