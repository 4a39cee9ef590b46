package e2e_test

import (
	"fmt"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

// The control plane is killed and restarted ten times under load. Envoy reloads nothing. Edits
// made during an outage go live.
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

// The same test runs with many filters on one SotW stream, where version_info is short. The
// version_info that Envoy sends to the next process still gives the revision of each filter, also
// after an edit.
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

// wantUntouched expects no reload and no refusal of a filter since before.
func wantUntouched(t *testing.T, envoy *proxy, filter string, before map[string]int64) {
	t.Helper()
	diff := harness.Diff(before, envoy.FilterStats(filter))
	for _, counter := range []string{"config_reload", "config_fail", "update_rejected"} {
		if diff[counter] != 0 {
			t.Errorf("%s: %s rose by %d", filter, counter, diff[counter])
		}
	}
}

// waitWorkers waits until all workers have every update so far, and returns the filter's
// counters. Envoy counts a reload at that moment.
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

// A refused revision stays refused. Neither a restart nor an edit without effect on the revision
// makes the revision live.
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
				// The server reads specs in order, so a live marker proves that the comment was
				// read.
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

// mustStayRejected expects the good revision to run and the filter's error to explain the refusal
// of the newest revision.
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
