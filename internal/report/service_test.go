package report

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// The metadata of nodes say which Envoys run which revision of a service. An Envoy with several
// streams is there once, and twice during a hot restart to another revision.
func TestService(t *testing.T) {
	w := newWorld(t)
	s := fileSpec("traffic", "one")
	s.Type = spec.Service
	w.take(s)
	current := w.Snapshot.Get("traffic").Revision.ID
	open := func(id delivery.StreamID, node, revision string) {
		metadata := map[string]string{}
		if revision != "" {
			metadata[spec.ServicePrefix+"traffic"] = revision
		}
		w.step(delivery.StreamOpened{Stream: id, Node: delivery.Node{ID: node, Version: "1.40.0", Metadata: metadata}, ADS: true, Delta: true})
	}
	want := func(what, text string, envoys ...api.ServiceEnvoy) {
		t.Helper()
		w.want(what, w.filter("traffic"), text)
		f, _ := Filter(&w.View, "traffic", now)
		if diff := cmp.Diff(&api.Service{Envoys: append([]api.ServiceEnvoy{}, envoys...)}, f.Service); diff != "" {
			t.Errorf("%s: -want +got:\n%s", what, diff)
		}
	}
	open(1, "without", "")
	want("in no bootstrap", "active")
	open(2, "b", current)
	open(3, "b", current)
	b := api.ServiceEnvoy{Node: "b", Revision: current, Current: true}
	want("an Envoy with two streams", "active", b)
	open(4, "a", "0123456789ab")
	old, next := api.ServiceEnvoy{Node: "a", Revision: "0123456789ab"}, api.ServiceEnvoy{Node: "a", Revision: current, Current: true}
	want("an Envoy with another revision", "active ?service_restart", old, b)
	open(5, "a", current)
	f, _ := Filter(&w.View, "traffic", now)
	if len(f.Service.Envoys) != 3 || f.Envoys != (api.Envoys{Live: 2, Total: 3}) {
		t.Errorf("during a hot restart: %+v", f)
	}
	w.step(delivery.StreamClosed{Stream: 4})
	want("after the hot restart", "active", next, b)
}
