// Package apitest has a server of the admin API for tests of its clients. The server is the real
// one, and the test decides its answers.
package apitest

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/wasm-xds/wasm-xds/internal/admin"
	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/events"
)

// Server is a server with the answers of a test. A test sets the fields before it asks the server;
// only SetFilters and Publish are safe while a client asks.
type Server struct {
	Address string // host:port
	Source  api.Source
	Nodes   []api.Node
	Limits  []api.Limit
	// Certificates of the ports.
	Certificates []api.Certificate
	Identity     api.Identity
	Tokens       api.Tokens
	Webhooks     []api.Webhook
	Visitors     []api.Visitor
	Histories    map[string]api.History       // by filter
	Figures      map[string]api.FilterFigures // by filter
	Contents     map[string]api.Content       // by filter
	Replica      api.Replica                  // this server
	Others       []api.Replica                // the other replicas of the fleet

	Synced    api.Sync // the answer to a sync, without its filters
	SyncError *api.Error
	Syncs     atomic.Int32 // counts the syncs

	// TestWebhooks takes the URL of a test. Without it, there is no webhook.
	TestWebhooks func(url string) ([]api.WebhookTest, *api.Error)

	// Diff compares two revisions. Without it, there is no such filter.
	Diff func(name, from, to string) (api.Diff, *api.Error)

	// These take a user's decisions. Without one, there is no such filter.
	Rollback func(name, revision string) (api.Filter, *api.Error)
	Forget   func(name string) (api.Forgotten, *api.Error)
	// Decide takes retry, promote, pin, unpin, pause, resume and abort. Of pause and abort it gets
	// the reason in place of the revision.
	Decide func(decision, name, revision string) (api.Filter, *api.Error)

	hub     events.Hub
	filters atomic.Pointer[[]api.Filter]
	frozen  atomic.Pointer[api.Freeze]
}

// Start serves the filters until the test ends. The test fails if a goroutine is left.
func Start(t *testing.T, filters ...api.Filter) *Server {
	t.Helper()
	return StartOn(t, func(l net.Listener) net.Listener { return l }, filters...)
}

// StartOn is like Start, on a listener that wrap returns, for example with TLS.
func StartOn(t *testing.T, wrap func(net.Listener) net.Listener, filters ...api.Filter) *Server {
	t.Helper()
	goleak.VerifyNone(t)
	s := &Server{Source: api.Source{Directory: "/specs", State: api.SourceOK}}
	s.SetFilters(filters...)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Address = ln.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		h := admin.Handler(state{&s.hub, s}, admin.Options{Fleet: fleet{s}})
		ended <- admin.Serve(ctx, wrap(ln), &http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0)})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		goleak.VerifyNone(t)
	})
	return s
}

// SetFilters replaces the filters.
func (s *Server) SetFilters(filters ...api.Filter) { s.filters.Store(&filters) }

// Publish sends an event to the clients that follow the events.
func (s *Server) Publish(e api.Event) { s.hub.Publish(e) }

// LiveFilter is a filter of an Envoy, and formerly of another Envoy.
func LiveFilter(name string) api.Filter {
	return api.Filter{
		Name: name, Type: "http", Revision: "0123456789ab", State: api.FilterActive, Delivery: "remote",
		Module: api.Module{SHA256: "ff00", Size: 2048}, OnRemove: "keep", SpecFile: "/specs/" + name + ".yaml",
		Subscribers: []api.Subscriber{
			{Node: "edge-1", Cluster: "edge", Address: "127.0.0.1:5", Stream: "1", Envoy: "1.40.0", State: api.SubscriberLive, Revision: "0123456789ab", Variant: "inline"},
			{Node: "edge-0", State: api.SubscriberGone},
		},
	}
}

// fleet has the other replicas, without Envoys.
type fleet struct{ server *Server }

func (fleet) Filter(_ context.Context, _ string, own api.Filter, known bool) (api.Filter, bool) {
	return own, known
}

func (fleet) Filters(_ context.Context, own []api.Filter, _ bool) []api.Filter { return own }

func (f fleet) Replicas(_ context.Context, own api.Replica) []api.Replica {
	return append([]api.Replica{own}, f.server.Others...)
}

// state is a server as the API sees it.
type state struct {
	*events.Hub
	server *Server
}

func (s state) Filters() []api.Filter   { return *s.server.filters.Load() }
func (s state) Counts() api.Counts      { return api.Counts{} }
func (s state) Nodes() []api.Node       { return s.server.Nodes }
func (s state) Snapshot() api.Snapshot  { return api.Snapshot{} }
func (s state) Source() api.Source      { return s.server.Source }
func (s state) Ready() error            { return nil }
func (s state) Limits() []api.Limit     { return s.server.Limits }
func (s state) Visitors() []api.Visitor { return s.server.Visitors }

func (s state) Replica() api.Replica { return s.server.Replica }

func (s state) Identity() api.Identity { return s.server.Identity }

func (s state) Tokens() api.Tokens { return s.server.Tokens }

func (s state) Webhooks() []api.Webhook { return s.server.Webhooks }

func (s state) TestWebhooks(_ context.Context, url string) ([]api.WebhookTest, *api.Error) {
	if s.server.TestWebhooks == nil {
		return nil, &api.Error{Code: api.CodeNoWebhook, Message: "the server has no webhook"}
	}
	return s.server.TestWebhooks(url)
}

func (s state) Certificates() []api.Certificate { return s.server.Certificates }

func (s state) Filter(name string) (api.Filter, bool) {
	for _, one := range s.Filters() {
		if one.Name == name {
			return one, true
		}
	}
	return api.Filter{}, false
}

func (s state) Figures(name string) (api.FilterFigures, bool) {
	one, ok := s.server.Figures[name]
	return one, ok
}

func (s state) Content(name string) (api.Content, bool) {
	c, ok := s.server.Contents[name]
	return c, ok
}

func (s state) History(name string) (api.History, bool) {
	h := s.server.Histories[name]
	return h, h.Name != ""
}

func (s state) Diff(name, from, to string) (api.Diff, *api.Error) {
	if s.server.Diff == nil {
		return api.Diff{}, &api.Error{Code: api.CodeNoFilter}
	}
	return s.server.Diff(name, from, to)
}

// Sync reads nothing: the filters are as wanted already.
func (s state) Sync(context.Context) (api.Sync, *api.Error) {
	s.server.Syncs.Add(1)
	out := s.server.Synced
	for _, one := range s.Filters() {
		out.Filters = append(out.Filters, api.SyncFilter{Name: one.Name, State: one.State, Revision: one.Revision, Error: one.Error})
	}
	return out, s.server.SyncError
}

func (s state) Rollback(_ context.Context, name, revision string, pin bool) (api.Filter, *api.Error) {
	if pin {
		return s.decide("pin", name, revision)
	}
	if s.server.Rollback == nil {
		return api.Filter{}, &api.Error{Code: api.CodeNoFilter}
	}
	return s.server.Rollback(name, revision)
}

func (s state) Forget(_ context.Context, name string) (api.Forgotten, *api.Error) {
	if s.server.Forget == nil {
		return api.Forgotten{}, &api.Error{Code: api.CodeNoFilter}
	}
	return s.server.Forget(name)
}

func (s state) Retry(_ context.Context, name, revision string) (api.Filter, *api.Error) {
	return s.decide("retry", name, revision)
}

func (s state) Unpin(_ context.Context, name string) (api.Filter, *api.Error) {
	return s.decide("unpin", name, "")
}

func (s state) Pause(_ context.Context, name, reason string) (api.Filter, *api.Error) {
	return s.decide("pause", name, reason)
}

func (s state) Resume(_ context.Context, name string) (api.Filter, *api.Error) {
	return s.decide("resume", name, "")
}

func (s state) Abort(_ context.Context, name, reason string) (api.Filter, *api.Error) {
	return s.decide("abort", name, reason)
}

func (s state) Freeze() api.Freeze {
	if f := s.server.frozen.Load(); f != nil {
		return *f
	}
	return api.Freeze{}
}

func (s state) SetFreeze(_ context.Context, frozen bool, reason string) (api.Freeze, *api.Error) {
	if frozen == s.Freeze().Frozen {
		return s.Freeze(), &api.Error{Code: "unchanged", Message: "the freeze is as it was"}
	}
	s.server.frozen.Store(&api.Freeze{Frozen: frozen, Reason: reason})
	return s.Freeze(), nil
}

func (s state) Promote(_ context.Context, name string) (api.Filter, *api.Error) {
	return s.decide("promote", name, "")
}

func (s state) decide(decision, name, revision string) (api.Filter, *api.Error) {
	if s.server.Decide == nil {
		return api.Filter{}, &api.Error{Code: api.CodeNoFilter}
	}
	return s.server.Decide(decision, name, revision)
}
