package fleet

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
	e := New()
	open := func(id delivery.StreamID, n delivery.Node, ads bool) bool {
		_, first := e.Open(delivery.StreamOpened{Stream: id, Node: n, ADS: ads, Delta: true}, now)
		return first
	}
	closed := func(id delivery.StreamID, filters []api.NodeFilter, at time.Time) *Envoy {
		_, _, gone := e.Close(id, filters, at)
		return gone
	}
	if !open(1, one, false) || open(2, one, false) || !open(3, twin, true) {
		t.Error("two streams on one connection are one Envoy, two connections are two")
	}
	if s := e.Stream(2); s.Node.ID != "edge" || s.Mode != "ecds-delta" || s.Since != now {
		t.Errorf("a stream is %+v", s)
	}
	if closed(1, runs("b"), now) != nil {
		t.Error("it has another stream")
	}
	gone := closed(2, runs("a"), now.Add(time.Second))
	if gone == nil || strings.Join(gone.Ran(), " ") != "a=r-a b=r-b" || gone.Filters()[0].State != api.SubscriberGone {
		t.Fatalf("gone: %+v", gone)
	}
	if n := gone.APINode(); n.State != api.NodeGone || n.Since != now.Add(time.Second) || n.Mode != "ecds-delta" || len(n.Filters) != 2 {
		t.Errorf("%+v", n)
	}
	if _, known, again := e.Close(2, nil, now); known || again != nil {
		t.Error("it has gone already")
	}
	if closed(3, nil, now) == nil || len(e.Gone(now)) != 2 {
		t.Errorf("%d are gone", len(e.gone))
	}
	open(4, delivery.Node{ID: "edge", Cluster: "c", Address: "10.0.0.1:3"}, true)
	if len(e.Gone(now)) != 1 {
		t.Errorf("one is back, and %d are gone", len(e.gone))
	}
	if len(e.Gone(now.Add(2*goneEnvoyTime))) != 0 {
		t.Error("it is remembered for ever")
	}
	for i := range delivery.StreamID(2 * goneEnvoys) {
		open(10+i, delivery.Node{ID: fmt.Sprint(i)}, true)
		closed(10+i, nil, now)
	}
	if len(e.gone) != goneEnvoys || len(e.here) != 1 || len(e.streams) != 1 {
		t.Errorf("%d are gone, %d are here, %d streams are open", len(e.gone), len(e.here), len(e.streams))
	}
}

func TestModes(t *testing.T) {
	for want, s := range map[string]delivery.StreamOpened{
		"ads-delta": {ADS: true, Delta: true}, "ads-sotw": {ADS: true}, "ecds-delta": {Delta: true}, "ecds-sotw": {},
	} {
		if got, _ := New().Open(s, time.Now()); got.Mode != want {
			t.Errorf("%+v: %s, want %s", s, got.Mode, want)
		}
	}
}

// TestGoneKeepsFewUnknownNames: a client that makes up names for many nodes takes no memory after
// its end, and filters with a spec are kept.
func TestGoneKeepsFewUnknownNames(t *testing.T) {
	e, now := New(), time.Now()
	var filters []api.NodeFilter
	for i := range 1000 {
		filters = append(filters, api.NodeFilter{Name: fmt.Sprintf("made-up-%d", i), Error: &api.Error{Code: delivery.CodeUnknownFilter}})
	}
	filters = append(filters, api.NodeFilter{Name: "auth", Error: &api.Error{Code: delivery.CodeRejected}})
	for stream := range delivery.StreamID(3) {
		e.Open(delivery.StreamOpened{Stream: stream, Node: delivery.Node{ID: "edge", Address: "10.0.0.1:1"}}, now)
	}
	var gone *Envoy
	for stream := range delivery.StreamID(3) {
		_, _, gone = e.Close(stream, filters, now)
	}
	kept := gone.Filters()
	if len(kept) != 1+goneUnknown || kept[0].Name != "auth" {
		t.Errorf("%d filters are kept, the first is %s", len(kept), kept[0].Name)
	}
}
