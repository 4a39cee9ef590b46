package e2e_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// manyAuth are n filters, and an Envoy on a stream of its own that runs all: they are known to load.
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

// An Envoy that asks for many filters at once gets them in a response or two. When the control plane is
// killed and comes back under load, an SotW Envoy gets all of them again in one, and a delta Envoy
// nothing: neither reloads anything, and no request is lost, or passes by.
func TestManyFiltersInFewResponses(t *testing.T) {
	t.Parallel()
	const n = 30
	for _, mode := range []harness.Mode{harness.ADSSotW, harness.ADSDelta} {
		t.Run(string(mode), func(t *testing.T) {
			s := newScenario(t)
			names := manyAuth(t, s, n)
			s.cp.Stop()
			// It boots while nobody answers, and so asks for all when somebody does.
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

// One of many is refused by this Envoy alone: it expects another type under that name. The others
// are sent again one by one and serve, that one is denied, and elsewhere nothing changes.
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
