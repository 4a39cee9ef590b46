package e2e_test

import (
	"fmt"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

// Ten times the control plane is killed and started again under load: Envoy does
// not notice, not even by a reload of the same. Edits made meanwhile go live.
func TestKilledControlPlane(t *testing.T) {
	t.Parallel()
	for _, mode := range harness.Modes() {
		t.Run(string(mode), func(t *testing.T) {
			s := newScenario(t)
			s.write(auth, authModule("v0"), "")
			s.cp.Start()
			envoy := s.envoy(proxyOptions{mode: mode})
			envoy.WaitReady()
			s.cp.WaitLive(auth, authModule("v0"), 1)
			traffic := s.traffic(envoy.web[0])
			traffic.live("v0")
			s.swap(auth, authModule("v1"), "", 1)
			traffic.live("v1")
			traffic.load.WaitStamp("v1")
			before := waitWorkers(t, envoy)
			for range 10 {
				s.cp.Restart()
				s.cp.WaitLive(auth, authModule("v1"), 1)
				traffic.load.WaitRequests(20)
			}
			wantUntouched(t, envoy, auth, before)
			s.cp.Kill()
			s.write(auth, authModule("v2"), "")
			s.cp.Start()
			s.cp.WaitLive(auth, authModule("v2"), 1)
			traffic.live("v2")
			traffic.end()
		})
	}
}

// The same with many filters on one SotW stream, whose version_info is then short: what Envoy
// brings to the next process says of each of them what it runs, also after an edit.
func TestKilledControlPlaneWithManyFilters(t *testing.T) {
	const n = 20
	s := newScenario(t)
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("auth-%02d", i))
		s.write(names[i], authModule("v0"), "")
	}
	s.cp.Start()
	envoy := s.envoy(proxyOptions{mode: harness.ADSSotW, web: [][]harness.Filter{harness.Filters(names...)}})
	envoy.WaitReady()
	for _, name := range names {
		s.cp.WaitLive(name, authModule("v0"), 1)
	}
	traffic := s.traffic(envoy.web[0], stampedBy(n)...)
	traffic.live("v0")
	stamp := func(i int) string {
		if i == n/2 {
			return "v1"
		}
		return "v0"
	}
	s.swap(names[n/2], authModule("v1"), "", 1)
	waitWorkersOf(t, envoy, names[n/2])
	before := map[string]map[string]int64{}
	for _, name := range names {
		before[name] = envoy.FilterStats(name)
	}
	for range 3 {
		s.cp.Restart()
		for i, name := range names {
			s.cp.WaitLive(name, authModule(stamp(i)), 1)
		}
		traffic.load.WaitRequests(20)
	}
	for _, name := range names {
		wantUntouched(t, envoy, name, before[name])
	}
	traffic.end()
}

// wantUntouched wants a filter neither reloaded nor refused since its counters were read.
func wantUntouched(t *testing.T, envoy *proxy, filter string, before map[string]int64) {
	t.Helper()
	diff := harness.Diff(before, envoy.FilterStats(filter))
	for _, counter := range []string{"config_reload", "config_fail", "update_rejected"} {
		if diff[counter] != 0 {
			t.Errorf("%s: %s rose by %d", filter, counter, diff[counter])
		}
	}
}

// waitWorkers waits until every update so far has reached the workers, which is
// when Envoy counts a reload, and returns the filter's counters.
func waitWorkers(t *testing.T, envoy *proxy) map[string]int64 {
	t.Helper()
	return waitWorkersOf(t, envoy, auth)
}

func waitWorkersOf(t *testing.T, envoy *proxy, filter string) map[string]int64 {
	t.Helper()
	var stats map[string]int64
	if !harness.Poll(t.Context(), func() bool {
		stats = envoy.FilterStats(filter)
		return stats["config_reload"] == stats["update_success"]+stats["update_rejected"]
	}) {
		t.Fatalf("the workers have not taken every update: %v", stats)
	}
	return stats
}

// A revision that was refused stays refused: neither a restart nor an edit that
// changes nothing of it makes it live.
func TestRejectedStaysRejected(t *testing.T) {
	t.Parallel()
	for _, mode := range harness.Modes() {
		t.Run(string(mode), func(t *testing.T) {
			s := newScenario(t, withoutSandbox()...)
			s.write(auth, authModule("v0"), "")
			s.cp.Start()
			envoy := s.envoy(proxyOptions{mode: mode})
			envoy.WaitReady()
			good := s.cp.WaitLive(auth, authModule("v0"), 1)
			traffic := s.traffic(envoy.web[0])
			traffic.live("v0")
			bad := testfilter.HTTP{Stamp: "bad", ConfigureFails: true}.Module()
			rejected := func(f harness.FilterStatus) bool {
				return f.Error.CodeOrNone() == rejectedByEnvoy && len(f.Here()) == 1 && settled(f)
			}
			s.write(auth, bad, "")
			mustBeRejected(t, "at first", s.cp.WaitFilter(auth, rejected), good)
			for i := range 2 {
				s.cp.Restart()
				mustStayRejected(t, "after a restart", s.cp.WaitFilter(auth, rejected), good)
				s.write(auth, bad, fmt.Sprintf("# edit %d\n", i))
				// What comes later in the directory has been read, so the comment has too.
				marker := fmt.Sprintf("marker-%d", i)
				s.write(marker, authModule("marker"), "")
				s.cp.WaitFilter(marker, func(f harness.FilterStatus) bool { return f.Revision != "" })
				mustStayRejected(t, "after an edit of a comment", s.cp.WaitFilter(auth, rejected), good)
			}
			s.swap(auth, authModule("v1"), "", 1)
			traffic.live("v1")
			traffic.end()
		})
	}
}

// mustStayRejected wants the good revision to run, and the filter to say why the
// newest does not.
func mustStayRejected(t *testing.T, what string, got, good harness.FilterStatus) {
	t.Helper()
	if got.State != harness.Active || got.Revision != good.Revision {
		t.Errorf("%s: the filter is %s with revision %s", what, got.State, got.Revision)
	}
	for _, sub := range got.Here() {
		if sub.Revision != good.Revision {
			t.Errorf("%s: %s is %s with revision %s", what, sub.Node, sub.State, sub.Revision)
		}
	}
}
