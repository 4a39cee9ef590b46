package page_test

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/wasm-xds/wasm-xds/internal/admin"
	"github.com/wasm-xds/wasm-xds/internal/api"
)

const (
	fleetSize = 5000
	// mostElements bounds the elements of a page, however many Envoys there are.
	mostElements = 2500
)

// fleet is a world with a filter on 5,000 Envoys, which run 20 more filters.
func fleet() *world {
	w := everything()
	w.nodes = nil
	wide := filter("wide")
	for i := range fleetSize {
		s := subscriber(fmt.Sprintf("edge-%04d", i), api.SubscriberLive, before)
		s.Address = fmt.Sprintf("10.%d.%d.7:41822", i/256, i%256)
		n := api.Node{ID: s.Node, Cluster: "edge", Address: s.Address, Envoy: "1.40.0", Stream: s.Node, Mode: "ads-delta", State: api.NodeConnected, Since: ago(hour)}
		for j := range 4 {
			n.Filters = append(n.Filters, api.NodeFilter{Name: fmt.Sprintf("filter-%d", j), State: api.SubscriberLive, Revision: before, Variant: "remote"})
		}
		if i%1000 == 7 {
			s.State, s.Error = api.SubscriberRejected, refused("wide").Error
		}
		wide.Subscribers = append(wide.Subscribers, s)
		w.nodes = append(w.nodes, n)
	}
	w.filters = append(w.filters, wide)
	for i := range 400 {
		w.filters = append(w.filters, filter(fmt.Sprintf("filter-%d", i), subscriber("edge-1", api.SubscriberLive, before)))
	}
	return w
}

// With 5,000 Envoys the document stays small, errors come first, and a search and the pages reach
// every Envoy. A storm of events leads to few reads.
func TestFleet(t *testing.T) {
	w := fleet()
	server := serve(t, w.handler(admin.Options{}))
	p := open(t, server.URL+"/#/filters/wide", 1280)
	small := func(what string) {
		t.Helper()
		if n := js[int](p, `document.querySelectorAll("*").length`); n > mostElements {
			t.Errorf("%s has %d elements", what, n)
		}
	}
	p.waitText("#subscribers", "1–50 of 5,000 Envoys")
	small("the filter")
	if first := js[[]string](p, `[...document.querySelectorAll("#subscribers tbody tr")].slice(0, 6).map((r) => r.innerText.split(/\s/)[0])`); fmt.Sprint(first) != "[edge-0007 edge-1007 edge-2007 edge-3007 edge-4007 edge-0000]" {
		t.Errorf("the first Envoys are %v", first)
	}
	p.waitText(".problems", "on edge-0007, edge-1007, edge-2007 and 2 more Envoys")
	p.screenshot("fleet-filter")
	p.do(chromedp.SendKeys("#subscribers .search", "edge-4321"))
	p.wait(`document.querySelectorAll("#subscribers tbody tr").length === 1`)

	p.goTo("#/envoys")
	p.waitText("#content .pager", "1–50 of 5,000 Envoys")
	small("the list of Envoys")
	p.screenshot("fleet-envoys")
	p.do(chromedp.Click(".pager button:last-child"))
	p.waitText("#content .pager", "51–100 of 5,000 Envoys")
	if first := js[string](p, `document.querySelector("#content tbody tr a").innerText`); first != "edge-0050" {
		t.Errorf("the second page begins with %s", first)
	}

	p.goTo("#/")
	p.waitText("#content .pager", "1–50 of 409 filters")
	small("the list of filters")
	if n := js[int](p, `performance.getEntriesByType("resource").filter((e) => e.name.includes("subscribers=none")).at(-1).decodedBodySize`); n > 1<<20 {
		t.Errorf("the overview reads %d bytes", n)
	}
	before := w.reads()
	for i := range 200 {
		w.hub.Publish(api.Event{Type: api.EventNode, Name: fmt.Sprintf("edge-%04d", i), State: "connected"})
	}
	p.goTo("#/events")
	p.waitText("#content", "200")
	if n := w.reads() - before; n > 10 {
		t.Errorf("200 events have led to %d reads of lists", n)
	}
}
