package e2e_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

// rejectedByEnvoy is the code of an error reported by an Envoy.
const rejectedByEnvoy = "rejected_by_envoy"

// badModules returns modules that pass every static check but fail to load in Envoy.
func badModules() []badModule {
	return []badModule{
		{"garbage", testfilter.Garbage("bad")},
		{"missing import", testfilter.HTTP{Stamp: "bad", MissingImport: true}.Module()},
		{"configure fails", testfilter.HTTP{Stamp: "bad", ConfigureFails: true}.Module()},
	}
}

type badModule struct {
	name   string
	module []byte
}

// A bad module follows a good module. The good module keeps serving, the status shows the error,
// and the next good module goes live. Only the canary receives the bad module.
func TestBadModules(t *testing.T) {
	t.Parallel()
	deliveries := map[string]string{"closed": "remote", "open": "inline", "reload": "file"}
	for _, policy := range []string{"closed", "open", "reload"} {
		spec := lines("failurePolicy: "+policy, "delivery: "+deliveries[policy])
		eachVersionAndMode(t, func(t *testing.T, version string, mode harness.Mode) {
			badModulesAfterGood(t, version, mode, spec)
		}, policy)
	}
}

func badModulesAfterGood(t *testing.T, version string, mode harness.Mode, spec string) {
	s := newScenario(t, withoutSandbox()...)
	s.write(auth, authModule("v0"), spec)
	s.cp.Start()
	envoys := []*proxy{
		s.envoy(proxyOptions{version: version, mode: mode, node: "one"}),
		s.envoy(proxyOptions{version: version, mode: mode, node: "two"}),
	}
	var loads []*traffic
	for _, envoy := range envoys {
		envoy.WaitReady()
		loads = append(loads, s.traffic(envoy.web[0]))
	}
	good := s.cp.WaitLive(auth, authModule("v0"), 2)
	for _, load := range loads {
		load.live("v0")
	}
	for i, bad := range badModules() {
		before := filterStats(envoys)
		s.write(auth, bad.module, spec)
		refused := s.cp.WaitFilter(auth, func(f harness.FilterStatus) bool { return f.Error != nil && settled(f) })
		mustBeRejected(t, bad.name, refused, good)
		mustBeUntouched(t, bad.name, envoys, before, refused)

		stamp := fmt.Sprintf("v%d", i+1)
		good = s.swap(auth, authModule(stamp), spec, 2)
		if good.Error != nil {
			t.Errorf("after %s, %s is live with error %+v", bad.name, stamp, good.Error)
		}
		for _, load := range loads {
			load.live(stamp)
		}
	}
	for _, load := range loads {
		load.end()
	}
}

// settled reports whether no subscriber is pending or fetching.
func settled(f harness.FilterStatus) bool {
	return !slices.ContainsFunc(f.Here(), func(s harness.Subscriber) bool {
		return s.State == harness.Pending || s.State == harness.Fetching
	})
}

// mustBeRejected expects the last good revision to serve, one Envoy to reject the new revision,
// and the status to show the reason.
func mustBeRejected(t *testing.T, what string, got, good harness.FilterStatus) {
	t.Helper()
	if got.State != harness.Active || got.Revision != good.Revision || got.Module.SHA256 != good.Module.SHA256 {
		t.Errorf("%s: served is %s, revision %s of module %s", what, got.State, got.Revision, got.Module.SHA256)
	}
	if got.Error.CodeOrNone() != rejectedByEnvoy || got.Error.Message == "" || got.Error.Hint == "" {
		t.Errorf("%s: the filter's error is %+v", what, got.Error)
	}
	states := map[string]int{}
	for _, sub := range got.Here() {
		states[sub.State]++
		if sub.State == harness.Rejected && sub.Error.CodeOrNone() != rejectedByEnvoy {
			t.Errorf("%s: the canary's error is %+v", what, sub.Error)
		}
		if sub.Revision != good.Revision {
			t.Errorf("%s: %s runs %s", what, sub.Node, sub.Revision)
		}
	}
	if states[harness.Rejected] != 1 || states[harness.Live] != len(got.Here())-1 {
		t.Errorf("%s: the subscribers are %v", what, states)
	}
}

// mustBeUntouched expects no update on any Envoy except the canary.
func mustBeUntouched(t *testing.T, what string, envoys []*proxy, before []map[string]int64, refused harness.FilterStatus) {
	t.Helper()
	canary := slices.IndexFunc(refused.Here(), func(s harness.Subscriber) bool { return s.State == harness.Rejected })
	after := filterStats(envoys)
	for i, sub := range refused.Here() { // sorted by node, like the Envoys
		diff := harness.Diff(before[i], after[i])
		delete(diff, "config_reload") // counts earlier updates, once the last worker has them
		if i != canary && len(diff) > 0 {
			t.Errorf("%s: %s, which is no canary, got %v", what, sub.Node, diff)
		}
		if i == canary && diff["update_rejected"] == 0 {
			t.Errorf("%s: the canary %s has refused nothing: %v", what, sub.Node, diff)
		}
	}
}

// As soon as the canary has refused a revision, the test cuts the canary's stream and kills the
// control plane. After the restart the canary is still the only Envoy with the bad module.
func TestBadModuleAndACrash(t *testing.T) {
	t.Parallel()
	eachVersionAndMode(t, func(t *testing.T, version string, mode harness.Mode) {
		const spec = "delivery: inline\n" // a NACK of inline code is a verdict
		s := newScenario(t, withoutSandbox()...)
		s.write(auth, authModule("v0"), spec)
		s.cp.Start()
		var envoys []*proxy
		var links []*harness.Link
		var loads []*traffic
		for _, node := range []string{"one", "two"} {
			link := harness.StartLink(t, s.cp.XDSAddress())
			envoy := s.envoy(proxyOptions{version: version, mode: mode, node: node, xds: link.Address()})
			envoy.WaitReady()
			envoys, links, loads = append(envoys, envoy), append(links, link), append(loads, s.traffic(envoy.web[0]))
		}
		good := s.cp.WaitLive(auth, authModule("v0"), 2)
		for _, load := range loads {
			load.live("v0")
		}
		for i, bad := range badModules() {
			before := filterStats(envoys)
			s.write(auth, bad.module, spec)
			canary := waitRefusal(t, envoys, before)
			links[canary].Cut()
			s.cp.Kill()
			s.cp.Start()
			refused := s.cp.WaitFilter(auth, func(f harness.FilterStatus) bool {
				return f.Error != nil && len(f.Here()) == 2 && settled(f)
			})
			if refused.State != harness.Active || refused.Revision != good.Revision || refused.Error.Code != rejectedByEnvoy {
				t.Errorf("%s: after the crash the filter is %+v", bad.name, refused)
			}
			other := 1 - canary
			diff := harness.Diff(before[other], filterStats(envoys)[other])
			if diff["update_rejected"] != 0 || diff["config_fail"] != 0 {
				t.Errorf("%s: %s, which was no canary, got %v", bad.name, refused.Here()[other].Node, diff)
			}
			stamp := fmt.Sprintf("v%d", i+1)
			good = s.swap(auth, authModule(stamp), spec, 2)
			for _, load := range loads {
				load.live(stamp)
			}
		}
		for _, load := range loads {
			load.end()
		}
	})
}

// waitRefusal waits until an Envoy's count of refusals exceeds before, and returns the Envoy's
// index.
func waitRefusal(t *testing.T, envoys []*proxy, before []map[string]int64) int {
	t.Helper()
	canary := -1
	harness.Poll(t.Context(), func() bool {
		for i, envoy := range envoys {
			if envoy.FilterStats(auth)["update_rejected"] > before[i]["update_rejected"] {
				canary = i
			}
		}
		return canary >= 0
	})
	if canary < 0 {
		t.Fatal("no Envoy has refused the bad module")
	}
	return canary
}

func filterStats(envoys []*proxy) []map[string]int64 {
	var all []map[string]int64
	for _, envoy := range envoys {
		all = append(all, envoy.FilterStats(auth))
	}
	return all
}

// wantOthersSpared fails the test if an Envoy beside the canary has met a bad module.
func wantOthersSpared(t *testing.T, envoys []*proxy, before []map[string]int64, canary int, module string) {
	t.Helper()
	for other, after := range filterStats(envoys) {
		diff := harness.Diff(before[other], after)
		delete(diff, "config_reload")
		if other != canary && len(diff) > 0 {
			t.Errorf("%s: edge-%d got the refused module: %v, and edge-%d was the canary", module, other, diff, canary)
		}
	}
}
