package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

// overwrite writes a module and a spec in place, as cp and an editor do.
func (s *scenario) overwrite(name string, module []byte, config string) {
	s.t.Helper()
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, name+".wasm"), module, 0o644); err != nil {
		s.t.Fatal(err)
	}
	text := fmt.Sprintf("name: %s\nmodule: {file: ./%s.wasm}\nconfig: %q\n", name, name, config)
	if err := os.WriteFile(filepath.Join(s.dir, name+".yaml"), []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// waited is the output of a wait.
type waited struct {
	harness.FilterStatus
	Condition string `json:"condition"`
	Envoys    struct {
		Live, Total int
	} `json:"envoys"`
}

func (s *scenario) statusWait(args ...string) waited {
	s.t.Helper()
	var f waited
	out := s.command(0, append([]string{"status", auth, "--wait", "1m", "-o", "json"}, args...)...)
	if err := json.Unmarshal([]byte(out), &f); err != nil {
		s.t.Fatalf("%v: %s", err, out)
	}
	return f
}

// TestWaitRightAfterAnEdit waits immediately after each of many edits. No answer describes the
// state before the edit.
func TestWaitRightAfterAnEdit(t *testing.T) {
	t.Parallel()
	for _, mode := range []harness.Mode{harness.ADSDelta, harness.ADSSotW} {
		t.Run(string(mode), func(t *testing.T) {
			s := newScenario(t)
			s.overwrite(auth, authModule("v"), "first")
			s.cp.Start()
			if f := s.statusWait(); f.Condition != "no_envoy" || f.Envoys.Total != 0 {
				t.Errorf("without an Envoy: %+v", f)
			}
			envoy := s.envoy(proxyOptions{mode: mode})
			envoy.WaitReady()
			s.cp.WaitLive(auth, authModule("v"), 1)
			seen := map[string]bool{}
			for i := range 40 {
				module := authModule(fmt.Sprint("v", i))
				s.overwrite(auth, module, fmt.Sprint("config ", i))
				f := s.statusWait()
				if f.Condition != "live" || f.Envoys.Live != 1 || !f.LiveModule(harness.SHA256(module), 1) || seen[f.Revision] {
					t.Fatalf("after edit %d: %+v", i, f)
				}
				seen[f.Revision] = true
			}
			s.overwrite(auth, []byte("no module"), "config")
			if out := s.command(1, "status", auth, "--wait", "1m"); !strings.Contains(out, "hint:") || strings.Contains(out, "not_live") {
				t.Errorf("a refused edit: %s", out)
			}
		})
	}
}

// TestWaitForWhatEnvoyRefuses expects a wait to end with the reason when an Envoy refuses an
// edit. The wait for a revision named by check ends in the same way.
func TestWaitForWhatEnvoyRefuses(t *testing.T) {
	s := newScenario(t, withoutSandbox()...)
	s.overwrite(auth, authModule("good"), "")
	s.cp.Start()
	envoy := s.envoy(proxyOptions{})
	envoy.WaitReady()
	good := s.statusWait()
	for _, bad := range []testfilter.HTTP{{Stamp: "one", MissingImport: true}, {Stamp: "two", ConfigureFails: true}} {
		s.overwrite(auth, bad.Module(), "")
		revision := s.checkedRevision()
		if out := s.command(1, "status", auth, "--wait", "1m"); !strings.Contains(out, "refused revision "+revision) {
			t.Errorf("an edit that Envoy refuses: %s", out)
		}
		if out := s.command(1, "status", auth, "--wait", "1m", "--revision", revision); !strings.Contains(out, "refused revision "+revision) {
			t.Errorf("--revision of what Envoy refuses: %s", out)
		}
	}
	s.overwrite(auth, authModule("good"), "")
	if f := s.statusWait("--revision", s.checkedRevision()[:6]); f.Revision != good.Revision || !f.LiveOn(1) {
		t.Errorf("the good one again: %+v, not %+v", f, good)
	}
	if out := s.command(1, "status", auth, "--wait", "100ms", "--revision", "000000000000"); !strings.Contains(out, "and not 000000000000") {
		t.Errorf("a revision that never comes: %s", out)
	}
}

// checkedRevision returns auth's revision as named by check.
func (s *scenario) checkedRevision() string {
	s.t.Helper()
	var result struct {
		Filters []struct{ Revision string }
	}
	out, err := exec.CommandContext(s.t.Context(), harness.BuildBinary(s.t), "check", "--preflight", "off", "-o", "json", s.dir).Output()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := json.Unmarshal(out, &result); err != nil || len(result.Filters) != 1 {
		s.t.Fatalf("%v: %s", err, out)
	}
	return result.Filters[0].Revision
}

// TestOneEnvoyInTwoListenersIsOne expects one Envoy to count once, also without ADS, where each
// listener has a stream.
func TestOneEnvoyInTwoListenersIsOne(t *testing.T) {
	for _, mode := range harness.Modes() {
		t.Run(string(mode), func(t *testing.T) {
			s := newScenario(t)
			s.write(auth, authModule("v"), "")
			s.cp.Start()
			two := [][]harness.Filter{harness.Filters(auth), harness.Filters(auth, "other")}
			s.write("other", authModule("o"), "")
			envoy := s.envoy(proxyOptions{mode: mode, web: two})
			envoy.WaitReady()
			s.command(0, "status", "--wait", "1m")
			f := s.statusWait()
			if f.Envoys.Live != 1 || f.Envoys.Total != 1 {
				t.Errorf("%+v of %d subscribers", f.Envoys, len(f.Subscribers))
			}
			if out := s.command(0, "status", "--nodes"); strings.Count(out, "1.40.0") != 1 || !strings.Contains(out, "2/2") {
				t.Errorf("the Envoys:\n%s", out)
			}
			envoy.Kill()
			if !harness.Poll(t.Context(), func() bool { return strings.Contains(s.command(0, "status"), "Envoys gone") }) {
				t.Errorf("after its end:\n%s", s.command(0, "status"))
			}
			if out := s.command(0, "status", "--nodes"); !strings.Contains(out, "gone") || !strings.Contains(out, "0/2") {
				t.Errorf("the Envoys after its end:\n%s", out)
			}
			if log := s.cp.Log(); strings.Count(log, "an Envoy has gone") != 1 || !strings.Contains(log, auth+"=") {
				t.Errorf("the log has not one line for it, with what it ran")
			}
		})
	}
}
