package e2e_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// Many filters of a module are all live at boot and after an update.
func TestOneModuleForManyFilters(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		filters int
		modes   []harness.Mode
	}{
		{2, harness.Modes()},
		{50, []harness.Mode{harness.ADSDelta, harness.ECDSSotW}},
	} {
		for _, mode := range tc.modes {
			t.Run(fmt.Sprintf("%d/%s", tc.filters, mode), func(t *testing.T) { manyFilters(t, tc.filters, mode) })
		}
	}
}

func manyFilters(t *testing.T, n int, mode harness.Mode) {
	s := newScenario(t)
	var specs strings.Builder
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("auth-%02d", i))
		fmt.Fprintf(&specs, "---\nname: %s\nmodule: {file: ./shared.wasm}\n", names[i])
	}
	module := filepath.Join(s.dir, "shared.wasm")
	harness.WriteFile(t, module, authModule("v1"))
	harness.WriteFile(t, filepath.Join(s.dir, "all.yaml"), []byte(specs.String()))
	s.cp.Start()
	envoy := s.envoy(proxyOptions{mode: mode, web: [][]harness.Filter{harness.Filters(names...)}})
	envoy.WaitReady()
	allLive := func(stamp string) {
		t.Helper()
		sum, live := harness.SHA256(authModule(stamp)), 0
		if !harness.Poll(t.Context(), func() bool {
			live = 0
			for _, f := range s.cp.Status() {
				if f.LiveModule(sum, 1) {
					live++
				}
			}
			return live == n
		}) {
			t.Fatalf("%s is live for %d of %d filters", stamp, live, n)
		}
	}
	allLive("v1")
	traffic := s.traffic(envoy.web[0], stampedBy(n)...)
	traffic.live("v1")
	harness.WriteFile(t, module, authModule("v2"))
	allLive("v2")
	traffic.live("v2")
	traffic.end()
}

// stampedBy returns the requests of auth for n filters in a row. Each filter stamps the requests
// that pass. The first filter refuses for all.
func stampedBy(n int) []harness.Request {
	requests := authRequests()
	requests[0].Judge = func(a harness.Answer) harness.Verdict {
		verdict := harness.Served(a)
		if verdict == harness.OK && len(a.Header.Values(harness.StampHeader)) != n {
			return harness.Bypass
		}
		return verdict
	}
	return requests
}

// Two listeners share a filter name, and a second Envoy has the same node id. Each listener runs
// the filter, and each Envoy counts separately.
func TestOneNameInManyPlaces(t *testing.T) {
	t.Parallel()
	for _, mode := range harness.Modes() {
		t.Run(string(mode), func(t *testing.T) {
			s := newScenario(t)
			s.write(auth, authModule("v0"), "")
			s.cp.Start()
			twoListeners := s.envoy(proxyOptions{
				mode: mode, node: "twin", web: [][]harness.Filter{harness.Filters(auth), harness.Filters(auth)},
			})
			twin := s.envoy(proxyOptions{mode: mode, node: "twin"})
			var loads []*traffic
			for _, envoy := range []*proxy{twoListeners, twin} {
				envoy.WaitReady()
				for _, address := range envoy.web {
					loads = append(loads, s.traffic(address))
				}
			}
			streams := s.cp.WaitLive(auth, authModule("v0"), 2).Here()
			if streams[0].Node != "twin" || streams[1].Node != "twin" || streams[0].Stream == streams[1].Stream {
				t.Errorf("the subscribers are %+v", streams)
			}
			for i := range 4 {
				stamp := fmt.Sprintf("v%d", i)
				if i > 0 {
					s.swap(auth, authModule(stamp), "", 2)
				}
				for _, load := range loads {
					load.live(stamp)
				}
			}
			for _, load := range loads {
				load.end()
			}
		})
	}
}
