package e2e_test

import (
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// answers are the answers of an Envoy with the filters auth and hello.
func answers(t *testing.T, address string) (all []string) {
	t.Helper()
	for _, token := range []string{"", "ok"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if token != "" {
			request.Header.Set("token", token)
		}
		response, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close() // it has been read
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, response.Status+" "+response.Header.Get("hello")+" "+string(body))
	}
	return all
}

// ejectInto runs eject, and returns the bootstrap and what eject has printed.
func ejectInto(t *testing.T, dir string, args ...string) (bootstrap, printed string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), harness.BuildBinary(t), append([]string{"eject", dir}, args...)...)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(filepath.Join(dir, "bootstrap.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text), string(out)
}

// An Envoy with the files of eject answers as the Envoy of a control plane, also after the end of
// the control plane, and follows an edit of a file.
func TestEjectedEnvoysAnswerAsBefore(t *testing.T) {
	s := newScenario(t)
	hello, err := os.ReadFile("../../examples/envoy/filters/hello.wasm")
	if err != nil {
		t.Fatal(err)
	}
	s.write(auth, authModule("v1"), "nodes: {clusters: [edge]}")
	s.write("hello", hello, "config: hunter2hunter2")
	s.cp.Start()
	served := s.envoy(proxyOptions{web: [][]harness.Filter{harness.Filters(auth, "hello")}, change: func(b *harness.Bootstrap) { b.NodeCluster = "edge" }})
	s.cp.WaitLive(auth, authModule("v1"), 1)
	s.cp.WaitLive("hello", hello, 1)
	served.WaitReady()
	want := answers(t, served.web[0])

	dir := filepath.Join(t.TempDir(), "ejected")
	port := harness.FreePort(t)
	start, printed := ejectInto(t, dir, "--state-dir", s.cp.StateDir(), "--admin-address", strings.TrimPrefix(s.cp.AdminURL(), "http://"),
		"--listen-address", harness.Loopback(port), "--upstream-address", s.upstream.Address())
	if !strings.Contains(printed, "note: auth: nodes is left out") || strings.Contains(printed, "hunter2") || strings.Contains(start, "hunter2") {
		t.Errorf("it prints\n%s\nand writes\n%s", printed, start)
	}
	checkModes(t, dir)
	s.cp.Stop()
	served.Stop()

	for _, version := range []string{"1.36.4", "1.40.0"} {
		envoy := harness.StartEnvoy(t, harness.EnvoyOptions{Version: version, Bootstrap: start})
		envoy.WaitReady()
		if got := answers(t, harness.Loopback(port)); strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("Envoy %s answers %q, want %q", version, got, want)
		}
		replaceGreeting(t, filepath.Join(dir, "filters", "hello.json"))
		if !harness.Poll(t.Context(), func() bool { return strings.Contains(answers(t, harness.Loopback(port))[1], "goodbye") }) {
			t.Errorf("Envoy %s does not follow the file", version)
		}
		envoy.Stop()
		<-envoy.Exited()
		ejectInto(t, dir, "--force", "--state-dir", s.cp.StateDir()) // the files for the next version
	}
}

// checkModes expects files that only their owner can read.
func checkModes(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has the mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// replaceGreeting edits the configuration in a file of eject, as an editor with a rename does.
func replaceGreeting(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil || !json.Valid(text) {
		t.Fatalf("%v in %s", err, text)
	}
	edited := strings.NewReplacer("hunter2hunter2", "goodbye").Replace(string(text))
	harness.WriteFile(t, path, []byte(edited))
}
