package page_test

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/wasm-xds/wasm-xds/internal/admin"
	"github.com/wasm-xds/wasm-xds/internal/api"
)

// others are two other replicas. One of them does not answer, and the other has an Envoy.
type others struct{}

func (others) Filter(_ context.Context, _ string, own api.Filter, known bool) (api.Filter, bool) {
	for i := range own.Subscribers {
		own.Subscribers[i].Replica = "control-a"
	}
	own.Subscribers = append(own.Subscribers, api.Subscriber{
		Node: "edge-7", Cluster: "edge", Address: "10.0.0.7:1", Stream: "control-b/1", Envoy: "1.40.0", State: api.SubscriberLive, Replica: "control-b",
	})
	own.Incomplete = []string{"control-c"}
	return own, known
}

func (others) Filters(_ context.Context, own []api.Filter, _ bool) []api.Filter { return own }

func (others) Replicas(_ context.Context, own api.Replica) []api.Replica {
	return []api.Replica{
		own,
		{Name: "control-b", Version: "1.2.3", Since: ago(hour), Leader: true, Reachable: true, Set: "0123456789abcdef", Envoys: 1800},
		{Name: "control-c", Version: "1.2.3", Set: "0123456789abcdef", Error: &api.Error{
			Message: "the replica control-c cannot be asked: it does not answer", Hint: "look whether this machine reaches https://control-c:18001",
		}},
	}
}

// The page of a replica lists all of them, says that it is degraded and what waits, and names the
// replica of each Envoy.
func TestReplicas(t *testing.T) {
	w := everything()
	w.replica = api.Replica{
		Name: "control-a", Version: "1.2.3", Since: ago(3 * hour), Set: "0123456789abcdef", Envoys: 2100,
		Degraded: &api.Error{Message: "this replica serves without its ledger since 12:00: etcd does not answer", Hint: "bring etcd back"},
		Waits:    []string{"auth: a new revision waits for the leader"},
	}
	server := serve(t, w.handler(admin.Options{Fleet: others{}}))
	for _, width := range []int64{1280, 360} {
		p := open(t, server.URL+"/#/server", width)
		p.do(chromedp.WaitVisible("#link.up"))
		p.waitText("#content", "control-b")
		for _, text := range []string{"control-a (this one)", "Degraded", "Leader", "Unreachable", "does not answer"} {
			p.waitText("#content", text)
		}
		p.waitText("#banners", "auth: a new revision waits")
		p.screenshot("replicas-" + map[bool]string{true: "wide", false: "narrow"}[width > 400])
		p.goTo("#/filters/auth")
		p.waitText("#subscribers", "The Envoys of control-c are missing")
		if text := js[string](p, `document.querySelector("#subscribers").innerText`); !strings.Contains(text, "control-a") {
			t.Errorf("no replica beside an Envoy: %s", text)
		}
		if wide := js[int64](p, `document.documentElement.scrollWidth`); wide > width {
			t.Errorf("at %d px, the filter is %d px wide", width, wide)
		}
		p.screenshot("replicas-filter-" + map[bool]string{true: "wide", false: "narrow"}[width > 400])
	}
	// A server alone lists no replicas.
	p := open(t, serve(t, everything().handler(admin.Options{})).URL+"/#/server", 1280)
	p.waitText("#content", "Certificates")
	if strings.Contains(js[string](p, `document.body.innerText`), "Replicas") {
		t.Error("a server alone lists replicas")
	}
}
