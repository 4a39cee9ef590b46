package page_test

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/wasm-xds/wasm-xds/internal/admin"
	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/events"
)

// world is a made-up server state. Tests change it with change, which tells the page.
type world struct {
	admin.State
	hub       events.Hub
	mu        sync.Mutex
	filters   []api.Filter
	nodes     []api.Node
	source    api.Source
	histories map[string]api.History
	freeze    api.Freeze
	replica   api.Replica
	figures   map[string]api.FilterFigures
	contents  map[string]api.Content
	requests  []string   // changes: method, path and body
	lists     int        // requests for filters and nodes
	refuse    *api.Error // of all changes
}

func (w *world) locked(do func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	do()
}

// change changes the world, and publishes an event.
func (w *world) change(do func(), e api.Event) {
	w.locked(do)
	w.hub.Publish(e)
}

func (w *world) Subscribe(lastEventID string) events.Subscription {
	return w.hub.Subscribe(lastEventID)
}

func (w *world) Filters() (all []api.Filter) {
	w.locked(func() {
		w.lists++
		all = slices.Clone(w.filters)
	})
	for i := range all {
		all[i].Summarize()
	}
	return all
}

func (w *world) Filter(name string) (api.Filter, bool) {
	for _, f := range w.Filters() {
		if f.Name == name {
			return f, true
		}
	}
	return api.Filter{}, false
}

func (w *world) Nodes() (all []api.Node) {
	w.locked(func() {
		w.lists++
		all = w.nodes
	})
	return all
}

func (w *world) Source() (s api.Source) {
	w.locked(func() { s = w.source })
	return s
}

func (w *world) History(name string) (h api.History, ok bool) {
	w.locked(func() { h, ok = w.histories[name] })
	return h, ok
}

func (w *world) Snapshot() api.Snapshot {
	return api.Snapshot{Version: "0123456789abcdef", LoadedFrom: "directory", Since: ago(3 * hour), Filters: map[string]string{"auth": before}}
}

func (w *world) Visitors() []api.Visitor {
	return []api.Visitor{{
		Port: "xds", Speaks: "tls", Address: "10.0.0.7:41822", Count: 12, Last: ago(minute), Node: "edge-9",
		Message: "a client speaks TLS to the xDS port, which speaks gRPC without TLS", Hint: "take the transport_socket out of the Envoy cluster that leads here",
	}}
}

func (w *world) Limits() []api.Limit {
	return []api.Limit{{Name: "names_per_stream", Flag: "--max-names-per-stream", Most: 10000, Refused: 3, Last: ago(hour), Node: "edge-1"}}
}

func (w *world) Certificates() []api.Certificate {
	return []api.Certificate{
		{Ports: []string{"xds", "modules"}, File: "/etc/wasm-xds/tls.crt", NotBefore: ago(80 * 24 * hour), NotAfter: ago(-9 * 24 * hour)},
		{Ports: []string{"admin"}, File: "/etc/wasm-xds/admin.crt", NotBefore: ago(hour), NotAfter: ago(-90 * 24 * hour)},
	}
}

func (w *world) Replica() (r api.Replica) {
	w.locked(func() { r = w.replica })
	return r
}

func (w *world) Identity() api.Identity { return api.Identity{Mode: "none"} }

func (w *world) Figures(name string) (f api.FilterFigures, ok bool) {
	w.locked(func() { f, ok = w.figures[name] })
	if _, known := w.Filter(name); !ok && known {
		return api.FilterFigures{Name: name, Seconds: 10}, true
	}
	return f, ok
}

func (w *world) Content(name string) (c api.Content, ok bool) {
	w.locked(func() { c, ok = w.contents[name] })
	if f, known := w.Filter(name); !ok && known {
		return api.Content{Name: name, SpecFile: f.SpecFile}, true
	}
	return c, ok
}

func (w *world) Freeze() (f api.Freeze) {
	w.locked(func() { f = w.freeze })
	return f
}

func (w *world) SetFreeze(_ context.Context, frozen bool, reason string) (api.Freeze, *api.Error) {
	w.locked(func() { w.freeze = api.Freeze{Frozen: frozen, Reason: reason} })
	return w.Freeze(), nil
}

func (w *world) Rollback(_ context.Context, name, _ string, _ bool) (api.Filter, *api.Error) {
	return w.did(name)
}

func (w *world) Pause(_ context.Context, name, _ string) (api.Filter, *api.Error) { return w.did(name) }

func (w *world) Abort(_ context.Context, name, _ string) (api.Filter, *api.Error) { return w.did(name) }

func (w *world) Retry(_ context.Context, name, _ string) (api.Filter, *api.Error) { return w.did(name) }

func (w *world) Resume(_ context.Context, name string) (api.Filter, *api.Error) { return w.did(name) }

func (w *world) Promote(_ context.Context, name string) (api.Filter, *api.Error) { return w.did(name) }

func (w *world) Unpin(_ context.Context, name string) (api.Filter, *api.Error) { return w.did(name) }

func (w *world) Forget(_ context.Context, name string) (api.Forgotten, *api.Error) {
	w.locked(func() { w.filters = slices.DeleteFunc(w.filters, func(f api.Filter) bool { return f.Name == name }) })
	return api.Forgotten{Name: name, Revisions: 3}, nil
}

func (w *world) did(name string) (f api.Filter, problem *api.Error) {
	w.locked(func() { problem = w.refuse })
	f, _ = w.Filter(name)
	return f, problem
}

// handler is the real handler, which records the changes.
func (w *world) handler(o admin.Options) http.Handler {
	real := admin.Handler(w, o)
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		path := strings.TrimPrefix(r.URL.EscapedPath(), "/api/v1/")
		if r.Method != http.MethodGet {
			body, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(strings.NewReader(string(body)))
			w.locked(func() { w.requests = append(w.requests, r.Method+" "+path+" "+string(body)) })
		}
		real.ServeHTTP(rw, r)
	})
}

// changes are the requests that changed something, without the sync.
func (w *world) changes() (all []string) {
	w.locked(func() { all = slices.Clone(w.requests) })
	return all
}

// reads is how often the lists of filters and nodes were read.
func (w *world) reads() (n int) {
	w.locked(func() { n = w.lists })
	return n
}
