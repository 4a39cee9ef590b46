package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// waitForgotten waits until the status no longer has the filter.
func (s *scenario) waitForgotten(name string) {
	s.t.Helper()
	if !harness.Poll(s.t.Context(), func() bool { _, there := s.cp.Filter(name); return !there }) {
		s.t.Fatalf("%s is still in the status\n%s", name, s.cp.Log())
	}
}

func (s *scenario) remove(name string) {
	s.t.Helper()
	if err := os.Remove(s.file(name + ".yaml")); err != nil {
		s.t.Fatal(err)
	}
}

// If an Envoy runs a filter, the filter stays after its spec is removed, and `forget` lists the
// Envoy. Without the Envoy, the filter no longer counts as a problem, and `forget` drops the
// filter with all stored data.
func TestForget(t *testing.T) {
	s := newScenario(t)
	v1 := authModule("v1")
	s.write(auth, v1, "")
	s.write("other", authModule("other"), "") // without a second spec, the source would be held
	s.cp.Start()
	envoy := s.envoy(proxyOptions{node: "edge-7"})
	envoy.WaitReady()
	s.cp.WaitLive(auth, v1, 1)
	if out := s.command(1, "forget", auth); !strings.Contains(out, "has a spec") || !strings.Contains(out, auth+".yaml") {
		t.Errorf("a filter with a spec: %s", out)
	}
	s.remove(auth)
	s.cp.WaitFilter(auth, func(f harness.FilterStatus) bool { return f.State == harness.Removed })
	out := s.command(1, "forget", auth, "-o", "json")
	if !strings.Contains(out, "still_asked_for") || !strings.Contains(out, "edge-7") {
		t.Errorf("a filter that an Envoy asks for: %s", out)
	}
	s.command(1, "status", "--exit-code")
	l := s.load(envoy)
	l.judge(guarded)
	l.load.WaitRequests(50)
	l.end()
	envoy.Stop()
	s.cp.WaitFilter(auth, func(f harness.FilterStatus) bool { return len(f.Here()) == 0 })
	s.command(0, "status", "--exit-code")
	if out := s.command(0, "forget", auth); !strings.Contains(out, "filter auth is forgotten, with 1 revision") {
		t.Errorf("forget says %s", out)
	}
	s.waitForgotten(auth)
	s.command(0, "status", "--exit-code")
	if out := s.command(1, "forget", auth); !strings.Contains(out, "there is no filter") {
		t.Errorf("what is forgotten: %s", out)
	}
	s.cp.Kill()
	text, err := os.ReadFile(filepath.Join(s.cp.StateDir(), "state.json"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), `"name":"other"`) || strings.Contains(string(text), `"name":"auth"`) {
		t.Error("the state on the disk still has it")
	}
	s.cp.Start()
	s.waitForgotten(auth)
}

// Specs that never loaded leave nothing behind, even after a rename of the file. The server
// forgets a removed filter when no Envoy has asked for the filter for a while.
func TestRemovedFiltersGoByThemselves(t *testing.T) {
	s := newScenario(t, "--forget-removed", "1s")
	v1 := authModule("v1")
	s.write(auth, v1, "")
	harness.WriteFile(t, s.file("ghost.wasm"), authModule("g"))
	harness.WriteFile(t, s.file("ghost.yaml"), []byte("module: {file: ./ghost.wasm}\n")) // the file gives the name
	s.write("broken", []byte("no module"), "")
	s.cp.Start()
	envoy := s.envoy(proxyOptions{})
	envoy.WaitReady()
	s.cp.WaitLive(auth, v1, 1)
	s.cp.WaitFilter("broken", func(f harness.FilterStatus) bool { return f.Error != nil })
	s.remove("broken")
	s.waitForgotten("broken")
	if err := os.Rename(s.file("ghost.yaml"), s.file("renamed.yaml")); err != nil {
		t.Fatal(err)
	}
	s.cp.WaitFilter("renamed", func(f harness.FilterStatus) bool { return f.State == harness.Active })
	s.waitForgotten("ghost")
	s.command(0, "status", "--exit-code")

	s.remove(auth)
	s.cp.WaitFilter(auth, func(f harness.FilterStatus) bool { return f.State == harness.Removed && f.LiveOn(1) })
	envoy.Stop()
	s.waitForgotten(auth)
	s.cp.WaitLog("a removed filter is forgotten")
}
