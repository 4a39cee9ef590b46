package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// The commands add, wait and rm write and delete a spec in the watched directory, and return when a
// real Envoy has followed.
func TestAddWaitRm(t *testing.T) {
	s := newScenario(t)
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s.cp.Start()
	e := s.envoy(proxyOptions{})
	module := filepath.Join(t.TempDir(), "elsewhere.wasm") // so it is copied
	harness.WriteFile(t, module, authModule("v1"))

	out := s.command(0, "add", auth, module, "--config", "a: b # text")
	if !strings.Contains(out, "live") || !strings.Contains(out, e.web[0]) && !strings.Contains(out, "1/1") && !strings.Contains(out, "1 of 1") {
		t.Errorf("add shows no Envoy: %s", out)
	}
	waitAnswer(t, e.web[0], withToken(), func(a harness.Answer) bool { return a.Stamp() == "v1" })
	text, err := os.ReadFile(filepath.Join(s.dir, "auth.yaml"))
	if err != nil || !strings.HasPrefix(string(text), "# yaml-language-server: $schema=") || !strings.Contains(string(text), "failurePolicy: closed") {
		t.Errorf("%v\n%s", err, text)
	}

	s.command(0, "wait", auth, "--timeout", "30s")
	s.command(1, "wait", auth, "--for", "rejected", "--timeout", "30s")
	s.command(1, "deploy", auth, module) // nothing is overwritten
	harness.WriteFile(t, filepath.Join(s.dir, "auth.wasm"), []byte("no Wasm"))
	s.command(0, "wait", auth, "--for", "rejected", "--timeout", "30s")
	s.command(1, "wait", auth, "--timeout", "30s")

	s.command(0, "rm", auth)
	if _, err := os.Lstat(filepath.Join(s.dir, "auth.yaml")); !os.IsNotExist(err) {
		t.Errorf("the spec is still there: %v", err)
	}
	s.command(1, "undeploy", auth)
}
