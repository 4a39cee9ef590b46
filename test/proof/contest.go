package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

// requestsPerEdit is the number of requests to each revision.
const requestsPerEdit = 200

// controlPlane is a contestant's server with a module.
type controlPlane interface {
	addresses() (xds, modules string)
	// publish makes module the filter's newest module.
	publish(module []byte)
}

// contestant starts a control plane.
type contestant struct {
	name  string
	start func(t harness.TB) controlPlane
}

func contestants() []contestant {
	return []contestant{
		{"plain go-control-plane, `code.remote`", func(t harness.TB) controlPlane { return startPlain(t) }},
		{"wasm-xds", func(t harness.TB) controlPlane { return startProduct(t) }},
	}
}

// result is the result of a contestant's load.
type result struct {
	harness.LoadResult
	name  string
	edits int
	seen  int // edits with a revision that has answered at least one request
}

// contest boots an Envoy with the filter's first revision and then edits the filter under load.
// The edits wait only for requests.
func contest(t harness.TB, c contestant, edits int) result {
	plane := c.start(t)
	plane.publish(module(0))
	xds, modules := plane.addresses()
	port := harness.FreePort(t)
	envoy := harness.StartEnvoy(t, harness.EnvoyOptions{Bootstrap: harness.Bootstrap{
		Mode: harness.ECDSDelta, XDSAddress: xds, ModulesAddress: modules,
		HTTP: []harness.HTTPListener{{
			Name: "web", Port: port, Filters: harness.Filters(filterName),
			Upstream: harness.StartUpstream(t).Address(),
		}},
	}.YAML(t)})
	envoy.WaitReady()
	address := harness.Loopback(port)
	if !harness.Poll(t.Context(), func() bool {
		a, err := harness.TryGet(address, map[string]string{"token": "ok"})
		return err == nil && a.Stamp() == stamp(0)
	}) {
		t.Fatalf("%s: the first revision does not load", c.name)
	}

	load := harness.StartLoad(t, harness.LoadOptions{Address: address, Requests: []harness.Request{
		{Header: map[string]string{"token": "ok"}},
		{Judge: harness.Denied(testfilter.ForbiddenStatus)},
	}})
	load.WaitRequests(requestsPerEdit)
	for n := 1; n <= edits; n++ {
		plane.publish(module(n))
		load.WaitRequests(requestsPerEdit)
	}
	r := result{LoadResult: load.Stop(), name: c.name, edits: edits}
	stamps := load.Stamps()
	for n := 1; n <= edits; n++ {
		if stamps[stamp(n)] > 0 {
			r.seen++
		}
	}
	return r
}

// module returns revision n of the filter, which refuses requests without a token.
func module(n int) []byte {
	return testfilter.HTTP{Stamp: stamp(n), RequireToken: true}.Module()
}

func stamp(n int) string { return fmt.Sprint("v", n) }

// table formats the results in Markdown.
func table(results []result) string {
	var b strings.Builder
	b.WriteString("| control plane | edits | edits that took effect | requests | served without the filter | wrong answers |\n")
	b.WriteString("|---|--:|--:|--:|--:|--:|\n")
	for _, r := range results {
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d (%.0f %%) | %d |\n",
			r.name, r.edits, r.seen, r.Requests, r.Bypassed, 100*float64(r.Bypassed)/float64(r.Requests), r.Wrong)
	}
	return b.String()
}

// product is wasm-xds with a directory of a spec and a module.
type product struct {
	t     harness.TB
	dir   string
	plane *harness.ControlPlane
}

func startProduct(t harness.TB) *product {
	dir := filepath.Join(t.TempDir(), "filters")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatalf("%v", err)
	}
	return &product{t: t, dir: dir, plane: harness.StartControlPlane(t, harness.ControlPlaneOptions{Dir: dir})}
}

func (p *product) addresses() (xds, modules string) {
	return p.plane.XDSAddress(), p.plane.ModulesAddress()
}

func (p *product) publish(module []byte) { harness.WriteFilter(p.t, p.dir, filterName, module, "") }
