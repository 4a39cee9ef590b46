package control

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
)

// TestEnvoysComeAndGo: an Envoy goes with its last stream. The event has all filters that it ran.
func TestEnvoysComeAndGo(t *testing.T) {
	now := time.Now()
	one := delivery.Node{ID: "edge", Cluster: "c", Address: "10.0.0.1:1"}
	twin := delivery.Node{ID: "edge", Cluster: "c", Address: "10.0.0.1:2"}
	runs := func(name string) []api.NodeFilter {
		return []api.NodeFilter{{Name: name, State: api.SubscriberLive, Revision: "r-" + name}}
	}
	e := newEnvoys()
	if !e.open(one, "ecds-delta", now) || e.open(one, "ecds-delta", now) || !e.open(twin, "ads-delta", now) {
		t.Error("two streams on one connection are one Envoy, two connections are two")
	}
	if e.close(one, runs("b"), now) != nil {
		t.Error("it has another stream")
	}
	gone := e.close(one, runs("a"), now.Add(time.Second))
	if gone == nil || strings.Join(gone.ran(), " ") != "a=r-a b=r-b" || gone.filters()[0].State != api.SubscriberGone {
		t.Fatalf("gone: %+v", gone)
	}
	if n := gone.goneNode(); n.State != api.NodeGone || n.Since != now.Add(time.Second) || n.Mode != "ecds-delta" || len(n.Filters) != 2 {
		t.Errorf("%+v", n)
	}
	if e.close(one, nil, now) != nil {
		t.Error("it has gone already")
	}
	if e.close(twin, nil, now) == nil || len(e.recent(now)) != 2 {
		t.Errorf("%d are gone", len(e.gone))
	}
	e.open(delivery.Node{ID: "edge", Cluster: "c", Address: "10.0.0.1:3"}, "ads-delta", now)
	if len(e.recent(now)) != 1 {
		t.Errorf("one is back, and %d are gone", len(e.gone))
	}
	if len(e.recent(now.Add(2*goneEnvoyTime))) != 0 {
		t.Error("it is remembered for ever")
	}
	for i := range 2 * goneEnvoys {
		n := delivery.Node{ID: fmt.Sprint(i)}
		e.open(n, "ads-delta", now)
		e.close(n, nil, now)
	}
	if len(e.gone) != goneEnvoys || len(e.here) != 1 {
		t.Errorf("%d are gone, %d are here", len(e.gone), len(e.here))
	}
}
