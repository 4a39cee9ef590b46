package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// An Envoy without V8 receives nothing, and the status shows the reason. An Envoy beside the
// first is served.
func TestEnvoyWithoutV8(t *testing.T) {
	s := newScenario(t)
	v1, v2 := authModule("v1"), authModule("v2")
	s.write(auth, v1, "")
	s.cp.Start()
	without := s.envoy(proxyOptions{version: "1.38.3", node: "without", mode: harness.ADSSotW})
	with := s.envoy(proxyOptions{node: "with"})
	wanted := func(module []byte) func(harness.FilterStatus) bool {
		return func(f harness.FilterStatus) bool {
			live, unsupported := false, false
			for _, sub := range f.Here() {
				switch sub.Node {
				case "with":
					live = sub.State == harness.Live && sub.Revision == f.Revision
				case "without":
					unsupported = sub.State == "unsupported" && sub.Revision == "" && sub.Error.CodeOrNone() == "runtime_missing"
				}
			}
			return live && unsupported && f.Module.SHA256 == harness.SHA256(module)
		}
	}
	s.cp.WaitFilter(auth, wanted(v1))
	l := s.load(with)
	l.live("v1")
	s.write(auth, v2, "")
	f := s.cp.WaitFilter(auth, wanted(v2))
	l.live("v2")
	for _, sub := range f.Here() {
		if sub.Node == "without" && (!strings.Contains(sub.Error.Message, "v8") || sub.Error.Hint == "") {
			t.Errorf("the status does not explain itself: %+v", sub.Error)
		}
	}
	stats := without.FilterStats(auth)
	for _, pushed := range []string{"update_success", "update_rejected", "config_reload", "config_fail"} {
		if stats[pushed] != 0 {
			t.Errorf("the Envoy without V8 was sent something: %s is %d", pushed, stats[pushed])
		}
	}
	l.end()
}

// If Envoy cannot reach the module server, the module goes inline, and the status shows the
// reason.
func TestModuleServerUnreachable(t *testing.T) {
	t.Parallel()
	for _, mode := range []harness.Mode{harness.ADSDelta, harness.ECDSSotW} {
		t.Run(string(mode), func(t *testing.T) {
			s := newScenario(t)
			v1, v2, v3 := authModule("v1"), authModule("v2"), authModule("v3")
			link := harness.StartLink(t, s.cp.ModulesAddress())
			link.Refuse()
			s.write(auth, v1, "")
			s.cp.Start()
			envoy := s.envoy(proxyOptions{mode: mode, change: func(b *harness.Bootstrap) { b.ModulesAddress = link.Address() }})
			s.cp.WaitLive(auth, v1, 1)
			l := s.load(envoy)
			l.live("v1")
			got := s.swap(auth, v2, "", 1).Here()[0]
			l.live("v2")
			if got.Variant != "inline" || got.Error.CodeOrNone() != "module_not_fetched" || !strings.Contains(got.Error.Hint, "--modules-cluster") {
				t.Errorf("went live as %s, with error %+v", got.Variant, got.Error)
			}
			if n := s.metric("wasm_xds_envoys_without_modules"); n != 1 {
				t.Errorf("%v Envoys without modules in the metrics", n)
			}
			if mode == harness.ADSDelta {
				for i := range 3 { // a probe, and then inline at once
					stamp := fmt.Sprint("w", i)
					last := s.swap(auth, authModule(stamp), "", 1).Here()[0]
					l.live(stamp)
					if last.Variant != "inline" || last.Error.CodeOrNone() != "module_not_fetched" {
						t.Errorf("edit %d went live as %s, with error %+v", i, last.Variant, last.Error)
					}
				}
				if n := s.metric(`wasm_xds_pushes_total{variant="remote"}`); n != 2 {
					t.Errorf("%v remote pushes, not one that waited and one probe", n)
				}
				l.end()
				return
			}
			link.Restore()
			got = s.swap(auth, v3, "", 1).Here()[0]
			l.live("v3")
			if got.Variant != "remote" || got.Error != nil {
				t.Errorf("with the module server back: went live as %s, with error %+v", got.Variant, got.Error)
			}
			if n := s.metric("wasm_xds_envoys_without_modules"); n != 0 {
				t.Errorf("%v Envoys without modules in the metrics", n)
			}
			l.end()
		})
	}
}

// If every transfer breaks in the middle, the module goes inline, too.
func TestModuleTransferBreaks(t *testing.T) {
	s := newScenario(t)
	link := harness.StartLink(t, s.cp.ModulesAddress())
	v1, v2 := authModule("v1"), paddedModule("v2", 8<<20)
	s.write(auth, v1, "")
	s.cp.Start()
	envoy := s.envoy(proxyOptions{change: func(b *harness.Bootstrap) { b.ModulesAddress = link.Address() }})
	s.cp.WaitLive(auth, v1, 1)
	l := s.load(envoy)
	l.live("v1")
	link.SetRate(1 << 20)
	s.write(auth, v2, "")
	if !harness.Poll(t.Context(), func() bool { return link.Passed() > 1<<20 }) {
		t.Fatal("Envoy does not fetch the module")
	}
	link.Refuse()
	got := s.cp.WaitLive(auth, v2, 1).Here()[0]
	l.live("v2")
	if got.Variant != "inline" || got.Error.CodeOrNone() != "module_not_fetched" {
		t.Errorf("went live as %s, with error %+v", got.Variant, got.Error)
	}
	l.end()
}

// delivery: file works if Envoy sees the module store under a different path. If Envoy does not
// see the store, the module goes inline and the status shows the reason.
func TestFileDeliveryElsewhere(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, variant, code string
		// path returns the store's path in Envoy.
		path func(t *testing.T, s *scenario, elsewhere string)
	}{
		{"symlink", "file", "", func(t *testing.T, s *scenario, elsewhere string) {
			if err := os.Symlink(filepath.Join(s.cp.StateDir(), "modules"), elsewhere); err != nil {
				t.Fatal(err)
			}
		}},
		{"wrong path", "inline", "module_file_unreadable", func(*testing.T, *scenario, string) {}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			elsewhere := filepath.Join(t.TempDir(), "store")
			s := newScenario(t, "--modules-dir-in-envoy", elsewhere, "--delivery", "file")
			tc.path(t, s, elsewhere)
			v1 := authModule("v1")
			s.write(auth, v1, "")
			s.cp.Start()
			envoy := s.envoy(proxyOptions{})
			s.cp.WaitLive(auth, v1, 1)
			l := s.load(envoy)
			l.live("v1")
			for _, stamp := range []string{"v2", "v3"} {
				got := s.swap(auth, authModule(stamp), "", 1).Here()[0]
				l.live(stamp)
				if got.Variant != tc.variant || got.Error.CodeOrNone() != tc.code {
					t.Errorf("%s: went live as %s, with error %+v", stamp, got.Variant, got.Error)
				}
				if tc.code != "" && !strings.Contains(got.Error.Hint, "--modules-dir-in-envoy") {
					t.Errorf("the status does not say what to do: %+v", got.Error)
				}
			}
			if tc.variant == "file" && !strings.Contains(envoy.ConfigDump("ecds_filters"), elsewhere) {
				t.Error("Envoy does not read the module from where it sees the store")
			}
			l.end()
		})
	}
}
