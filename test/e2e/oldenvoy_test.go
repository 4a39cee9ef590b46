package e2e_test

import (
	"slices"
	"strings"
	"testing"

	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/test/simenvoy"
)

// old are minor versions without a real Envoy in the tests, and 1.36, which obeys all settings.
func old() []uint32 { return []uint32{22, 30, 32, 34, 36} }

// oldEnvoys starts a simulated Envoy of each version, which asks for all names.
func (s *scenario) oldEnvoys(names ...string) {
	s.t.Helper()
	for _, minor := range old() {
		node := simenvoy.NewNode("edge", "edge")
		node.GetUserAgentBuildVersion().Version = &typev3.SemanticVersion{MajorNumber: 1, MinorNumber: minor}
		e, err := simenvoy.Start(s.t.Context(), simenvoy.Config{
			Address: s.cp.XDSAddress(), Modules: s.cp.ModulesAddress(), Node: node, Names: simenvoy.NewNames(names...),
		})
		if err != nil {
			s.t.Fatal(err)
		}
		s.t.Cleanup(e.Close)
	}
}

// by are the subscribers with an open stream, by their Envoy's version.
func by(f harness.FilterStatus) map[string]harness.Subscriber {
	all := map[string]harness.Subscriber{}
	for _, s := range f.Here() {
		all[s.Envoy] = s
	}
	return all
}

// TestOldEnvoys shows a setting which an Envoy is too old for keeps a filter from that Envoy,
// until the spec accepts the loss. Then it is a warning.
func TestOldEnvoys(t *testing.T) {
	s := newScenario(t)
	filters := []struct {
		name, line, accept string
		tooOld             []string // versions
	}{
		{"reloads", "failurePolicy: reload", "failurePolicy", []string{"1.22.0", "1.30.0", "1.32.0"}},
		{"stops", "allowOnHeadersStopIteration: true", "allowOnHeadersStopIteration", []string{"1.22.0", "1.30.0", "1.32.0", "1.34.0"}},
		{"never-stops", "allowOnHeadersStopIteration: false", "allowOnHeadersStopIteration", nil},
		{"opens", "failurePolicy: open", "failurePolicy", nil},
		{"able", "capabilities: auto", "capabilities", nil},
		{"env", "vm: {env: {A: b}}", "vm.env", nil},
	}
	var names []string
	for _, f := range filters {
		names = append(names, f.name)
		s.write(f.name, authModule(f.name), f.line)
	}
	s.cp.Start()
	s.oldEnvoys(names...)
	for _, f := range filters {
		refused := func(version string) bool { return slices.Contains(f.tooOld, version) }
		s.cp.WaitFilter(f.name, func(st harness.FilterStatus) bool {
			ok := len(by(st)) == len(old())
			for version, sub := range by(st) {
				if refused(version) {
					ok = ok && sub.State == harness.Rejected && sub.Variant == "deny" && sub.Error.CodeOrNone() == "envoy_too_old"
				} else {
					ok = ok && sub.State == harness.Live && sub.Error == nil && sub.Revision == st.Revision
				}
				ok = ok && len(sub.Warnings) == 0
			}
			return ok && st.State == harness.Active && st.Error == nil
		})
		s.write(f.name, authModule(f.name), lines(f.line, "acceptLoss: ["+f.accept+"]"))
	}
	for _, f := range filters {
		s.cp.WaitFilter(f.name, func(st harness.FilterStatus) bool {
			ok := st.LiveOn(len(old()))
			for version, sub := range by(st) {
				warned := len(sub.Warnings) == 1 && sub.Warnings[0].Code == "setting_lost" && strings.Contains(sub.Warnings[0].Message, version)
				ok = ok && sub.Error == nil && warned == slices.Contains(f.tooOld, version)
			}
			return ok
		})
	}
	const warning = "reloads on edge (127.0.0.1:"
	const what = "warning: Envoy 1.32.0 ignores a setting: `failurePolicy: reload` needs Envoy 1.33;"
	for _, command := range [][]string{{"status", "reloads"}, {"status"}, {"status", "--nodes"}} {
		out := s.command(0, command...)
		if unwrapped := strings.Join(strings.Fields(out), " "); !strings.Contains(unwrapped, warning) || !strings.Contains(unwrapped, what) {
			t.Errorf("%q does not warn:\n%s", command, out)
		}
	}
}
