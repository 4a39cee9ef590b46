package cli

import (
	"bytes"
	"context"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wasm-xds/wasm-xds/internal/admin"
	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/events"
)

// fakeState is the state of a fake server.
type fakeState struct {
	events.Hub
	filters atomic.Pointer[[]api.Filter]
	source  api.Source
	nodes   []api.Node

	syncs     atomic.Int32
	synced    api.Sync // beside the filters
	syncError *api.Error

	histories map[string]api.History
	rollback  func(name, revision string) (api.Filter, *api.Error)
	limits    []api.Limit
	visitors  []api.Visitor
	forget    func(name string) (api.Forgotten, *api.Error)
	decide    func(what, name, revision string) (api.Filter, *api.Error)
}

func (f *fakeState) Filters() []api.Filter   { return *f.filters.Load() }
func (f *fakeState) Counts() api.Counts      { return api.Counts{} }
func (f *fakeState) Nodes() []api.Node       { return f.nodes }
func (f *fakeState) Snapshot() api.Snapshot  { return api.Snapshot{} }
func (f *fakeState) Source() api.Source      { return f.source }
func (f *fakeState) Ready() bool             { return true }
func (f *fakeState) Limits() []api.Limit     { return f.limits }
func (f *fakeState) Visitors() []api.Visitor { return f.visitors }

func (f *fakeState) Filter(name string) (api.Filter, bool) {
	for _, one := range f.Filters() {
		if one.Name == name {
			return one, true
		}
	}
	return api.Filter{}, false
}

func (f *fakeState) History(name string) (api.History, bool) {
	h := f.histories[name]
	return h, h.Name != ""
}

// Sync reads nothing: the filters are as wanted already.
func (f *fakeState) Sync(context.Context) (api.Sync, *api.Error) {
	f.syncs.Add(1)
	out := f.synced
	for _, one := range f.Filters() {
		out.Filters = append(out.Filters, api.SyncFilter{Name: one.Name, State: one.State, Revision: one.Revision, Error: one.Error})
	}
	return out, f.syncError
}

// Rollback sets the filter that the test has given.
func (f *fakeState) Rollback(_ context.Context, name, revision string) (api.Filter, *api.Error) {
	if f.rollback == nil {
		return api.Filter{}, &api.Error{Code: api.CodeNoFilter}
	}
	return f.rollback(name, revision)
}

// Forget returns the answer that the test has given.
func (f *fakeState) Forget(_ context.Context, name string) (api.Forgotten, *api.Error) {
	if f.forget == nil {
		return api.Forgotten{}, &api.Error{Code: api.CodeNoFilter}
	}
	return f.forget(name)
}

// startServer serves the filters until the test ends.
func startServer(t *testing.T, filters ...api.Filter) (state *fakeState, address string) {
	t.Helper()
	goleak.VerifyNone(t)
	state = &fakeState{source: api.Source{Directory: "/specs", State: api.SourceOK}}
	state.filters.Store(&filters)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- admin.Serve(ctx, ln, admin.Handler(state, nil, nil)) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		goleak.VerifyNone(t)
	})
	return state, ln.Addr().String()
}

func liveFilter(name string) api.Filter {
	return api.Filter{
		Name: name, Type: "http", Revision: "0123456789ab", State: api.FilterActive, Delivery: "remote",
		Module: api.Module{SHA256: "ff00", Size: 2048}, OnRemove: "keep", SpecFile: "/specs/" + name + ".yaml",
		Subscribers: []api.Subscriber{
			{Node: "edge-1", Cluster: "edge", Address: "127.0.0.1:5", Stream: "1", Envoy: "1.40.0", State: api.SubscriberLive, Revision: "0123456789ab", Variant: "inline"},
			{Node: "edge-0", State: api.SubscriberGone},
		},
	}
}

func rejectedFilter() api.Filter {
	f := liveFilter("hello")
	f.Error = &api.Error{Code: "rejected", Message: "Envoy refused revision aa", Hint: "see Envoy's log", File: "/specs/hello.yaml", Line: 3}
	f.Subscribers[0].Node = "evil\x1b[2J"
	f.Subscribers[0].State, f.Subscribers[0].Error = api.SubscriberRejected, &api.Error{Message: "Unable to create Wasm plugin"}
	return f
}

func TestStatusList(t *testing.T) {
	state, address := startServer(t, liveFilter("auth"), rejectedFilter())
	state.source.Errors = []*api.Error{
		{Message: "unknown field", File: "/specs/x.yaml", Line: 1, Column: 2, Hint: "no"},
		rejectedFilter().Error, // printed with its filter already
	}
	code, stdout, stderr := run(t, "status", "--admin-address", address)
	if code != exitOK || stderr != "" {
		t.Errorf("exit %d: %s", code, stderr)
	}
	want := `NAME   STATE       REVISION      LIVE  TYPE  DELIVERY
auth   active      0123456789ab  1/1   http  remote
hello  with error  0123456789ab  0/1   http  remote

hello: /specs/hello.yaml:3: Envoy refused revision aa
  hint: see Envoy's log

hello on evil` + "\uFFFD" + `[2J (127.0.0.1:5): Unable to create Wasm plugin

1 problem in the specs:
/specs/x.yaml:1:2: unknown field
  hint: no
`
	if stdout != want {
		t.Errorf("got\n%s\nwant\n%s", stdout, want)
	}
	if code, _, _ := run(t, "status", "--admin-address", address, "--exit-code"); code != exitProblem {
		t.Errorf("--exit-code: %d", code)
	}
	if code, stdout, _ := run(t, "status", "--admin-address", address, "--exit-code", "auth"); code != exitOK || !strings.Contains(stdout, "edge-1") || !strings.Contains(stdout, "sha256 ff00, 2.0 KiB") {
		t.Errorf("auth: %d %s", code, stdout)
	}
	if _, stdout, _ := run(t, "status", "--admin-address", address, "-o", "json", "auth"); !strings.HasPrefix(stdout, "{\n  \"name\": \"auth\"") {
		t.Errorf("JSON: %s", stdout)
	}
	if code, _, stderr := run(t, "status", "--admin-address", address, "auht"); code != exitProblem || !strings.Contains(stderr, `did you mean "auth"?`) {
		t.Errorf("a near name: %d %s", code, stderr)
	}
	if _, stdout, _ := run(t, "__complete", "status", "--admin-address", address, ""); !strings.HasPrefix(stdout, "auth\nhello\n") {
		t.Errorf("completion: %s", stdout)
	}
}

func TestStatusWaits(t *testing.T) {
	pending := liveFilter("auth")
	pending.Subscribers[0].State = api.SubscriberPending
	state, address := startServer(t, pending)
	if code, _, stderr := run(t, "status", "auth", "--admin-address", address, "--wait", "1ms"); code != exitProblem {
		t.Errorf("exit %d: %s", code, stderr)
	}
	ended := make(chan int, 1)
	go func() {
		code, _, _ := run(t, "status", "auth", "--admin-address", address, "--wait", "1m")
		ended <- code
	}()
	live := []api.Filter{liveFilter("auth")}
	state.filters.Store(&live)
	// A client without a subscription yet sees the state once it subscribes.
	state.Publish(api.Event{Type: api.EventFilter, Name: "auth"})
	if code := <-ended; code != exitOK {
		t.Errorf("exit %d", code)
	}
}

func TestStatusWatches(t *testing.T) {
	state, address := startServer(t, liveFilter("auth"))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	shown := &signalWriter{written: make(chan string, 100)}
	ended := make(chan int, 1)
	go func() {
		ended <- Run(ctx, []string{"status", "--watch", "--admin-address", address}, strings.NewReader(""), shown, shown)
	}()
	waitFor(t, shown.written, "auth")
	two := []api.Filter{liveFilter("auth"), liveFilter("hello")}
	state.filters.Store(&two)
	state.Publish(api.Event{Type: api.EventFilter, Name: "hello"})
	waitFor(t, shown.written, "hello")
	cancel()
	if code := <-ended; code != exitOK {
		t.Errorf("exit %d", code)
	}
}

// signalWriter reports each write.
type signalWriter struct{ written chan string }

func (s *signalWriter) Write(p []byte) (int, error) {
	s.written <- string(bytes.Clone(p))
	return len(p), nil
}

func waitFor(t *testing.T, written <-chan string, text string) {
	t.Helper()
	limit := time.After(time.Minute)
	for {
		select {
		case got := <-written:
			if strings.Contains(got, text) {
				return
			}
		case <-limit:
			t.Fatalf("%q was not written", text)
		}
	}
}
