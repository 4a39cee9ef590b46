package e2e_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// manyAuth writes n filters (and more), and starts an Envoy that runs all of them on a stream of
// its own. The filters are then known to load.
func manyAuth(t *testing.T, s *scenario, n int, more ...string) []string {
	t.Helper()
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("auth-%02d", i))
		s.write(names[i], authModule("v1"), "")
	}
	for _, name := range more {
		names = append(names, name)
		s.write(name, authModule("v1"), "")
	}
	s.cp.Start()
	s.envoy(proxyOptions{node: "first", web: [][]harness.Filter{harness.Filters(names...)}}).WaitReady()
	for _, name := range names {
		s.cp.WaitLive(name, authModule("v1"), 1)
	}
	return names
}

// An Envoy that asks for many filters at once gets them in one or two responses. After each kill
// and restart of the server under load, a SotW Envoy gets all filters again in one response, and
// a delta Envoy gets nothing. Neither reloads a filter, no request is lost, and no request
// bypasses a filter.
func TestManyFiltersInFewResponses(t *testing.T) {
	t.Parallel()
	const n = 30
	for _, mode := range []harness.Mode{harness.ADSSotW, harness.ADSDelta} {
		t.Run(string(mode), func(t *testing.T) {
			s := newScenario(t)
			names := manyAuth(t, s, n)
			s.cp.Stop()
			// The Envoy boots while the server is down, so its first request asks for all
			// filters.
			wire := startTap(t, s.cp.XDSAddress())
			envoy := s.envoy(proxyOptions{mode: mode, xds: wire.address, web: [][]harness.Filter{harness.Filters(names...)}})
			s.cp.Start()
			envoy.WaitReady()
			live := func() {
				for _, name := range names {
					s.cp.WaitLive(name, authModule("v1"), 2)
				}
			}
			live()
			if got, nacks := wire.take(); len(got) > 2 || total(got) != n || len(nacks) > 0 {
				t.Errorf("at boot: responses with %v resources, refusals %q", got, nacks)
			}
			traffic := s.traffic(envoy.web[0], stampedBy(n)...)
			traffic.live("v1")
			before := map[string]map[string]int64{}
			for _, name := range names {
				before[name] = waitWorkersOf(t, envoy, name)
			}
			again := []int{n}
			if mode == harness.ADSDelta {
				again = nil
			}
			for range 3 {
				s.cp.Kill()
				s.cp.Start()
				live()
				traffic.load.WaitRequests(20)
				if got, nacks := wire.take(); !slices.Equal(got, again) || len(nacks) > 0 {
					t.Errorf("after a restart: responses with %v resources, not %v, refusals %q", got, again, nacks)
				}
			}
			for _, name := range names {
				wantUntouched(t, envoy, name, before[name])
			}
			traffic.end()
		})
	}
}

func total(all []int) (sum int) {
	for _, n := range all {
		sum += n
	}
	return sum
}

// One of many filters is refused by this Envoy alone, because its bootstrap expects a different
// type under the name. The server sends the other filters again singly, and they serve. The
// refused filter is denied. Other Envoys see no change.
func TestOneOfManyIsRefusedHere(t *testing.T) {
	t.Parallel()
	const n = 10
	for _, mode := range []harness.Mode{harness.ADSSotW, harness.ADSDelta} {
		t.Run(string(mode), func(t *testing.T) {
			s := newScenario(t)
			names := manyAuth(t, s, n, "odd")
			s.cp.Stop()
			wire := startTap(t, s.cp.XDSAddress())
			envoy := s.envoy(proxyOptions{
				mode: mode, node: "second", xds: wire.address, web: [][]harness.Filter{harness.Filters(names[:n]...)}, raw: harness.Filters("odd"),
			})
			s.cp.Start()
			envoy.WaitReady()
			for _, name := range names[:n] {
				s.cp.WaitLive(name, authModule("v1"), 2)
			}
			odd := s.cp.WaitFilter("odd", func(f harness.FilterStatus) bool {
				return slices.ContainsFunc(f.Here(), func(sub harness.Subscriber) bool {
					return sub.Node == "second" && sub.Error.CodeOrNone() == "wrong_filter_type"
				})
			})
			if odd.Error != nil {
				t.Errorf("the filter has the error %v", odd.Error)
			}
			got, nacks := wire.take()
			if len(nacks) != 2 || slices.Max(got) != n+1 || total(got) != 2*(n+1)+1 {
				t.Errorf("responses with %v resources, refusals %q", got, nacks)
			}
			traffic := s.traffic(envoy.web[0], stampedBy(n)...)
			traffic.live("v1")
			s.swap(names[n/2], authModule("v2"), "", 2)
			traffic.load.WaitRequests(50)
			traffic.end()
		})
	}
}
