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
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
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
		all = append(all, response.Status+" "+response.Header.Get("hello")+" "+response.Header.Get(testfilter.EnvHeader)+" "+string(body))
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

// The filters of the test: one selects Envoys, one has a secret, one has variables, and one is a
// network filter.
func ejectedFilters(t *testing.T) map[string]struct {
	module []byte
	lines  string
} {
	t.Helper()
	hello, err := os.ReadFile("../../examples/envoy/filters/hello.wasm")
	if err != nil {
		t.Fatal(err)
	}
	stage := testfilter.HTTP{EchoEnv: "STAGE", NeedsEnv: true, StampHeader: "x-stage"}.Module()
	return map[string]struct {
		module []byte
		lines  string
	}{
		auth:    {authModule("v1"), "nodes: {clusters: [edge]}"},
		"hello": {hello, "config: hunter2hunter2"},
		"stage": {stage, "vm: {env: {STAGE: variable-of-it}, hostEnv: [HOME]}\ndelivery: inline"},
		meter:   {meterModule("v1"), "type: network"},
	}
}

// An Envoy with the files of eject answers as the Envoy of a control plane, also after the end of
// the control plane. The same files once more are no reason for a reload, and an edit of a file is.
func TestEjectedEnvoysAnswerAsBefore(t *testing.T) {
	s := newScenario(t)
	filters := ejectedFilters(t)
	for name, f := range filters {
		s.write(name, f.module, f.lines)
	}
	s.cp.Start()
	served := s.envoy(proxyOptions{
		web: [][]harness.Filter{harness.Filters(auth, "hello", "stage")}, raw: harness.Filters(meter),
		change: func(b *harness.Bootstrap) { b.NodeCluster = "edge" },
	})
	for name, f := range filters {
		s.cp.WaitLive(name, f.module, 1)
	}
	served.WaitReady()
	want := answers(t, served.web[0])
	dialTCP(t, served.raw).echo(t, "hello", "[v1]hello")

	dir := filepath.Join(t.TempDir(), "ejected")
	port, raw := harness.FreePort(t), harness.FreePort(t)
	args := []string{
		"--state-dir", s.cp.StateDir(), "--listen-address", harness.Loopback(port),
		"--tcp-listen-address", harness.Loopback(raw), "--upstream-address", s.upstream.Address(),
	}
	start, printed := ejectInto(t, dir, append(args, "--admin-address", strings.TrimPrefix(s.cp.AdminURL(), "http://"))...)
	for _, note := range []string{"note: auth: nodes is left out", "note: stage: Envoy's environment must have HOME"} {
		if !strings.Contains(printed, note) {
			t.Errorf("it prints no %q:\n%s", note, printed)
		}
	}
	if strings.Contains(printed+start, "hunter2") || strings.Contains(printed+start, "variable-of-it") {
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
		dialTCP(t, harness.Loopback(raw)).echo(t, "GET / HTTP/1.0\r\n\r\n", "[v1]HTTP/1.")
		ejectInto(t, dir, append(args, "--force")...)
		replaceGreeting(t, filepath.Join(dir, "filters", "hello.json"))
		if !harness.Poll(t.Context(), func() bool { return strings.Contains(answers(t, harness.Loopback(port))[1], "goodbye") }) {
			t.Errorf("Envoy %s does not follow the file", version)
		}
		for name, reloads := range map[string]int64{auth: 1, "stage": 1, meter: 1, "hello": 2} {
			if got := envoy.FilterStats(name); got["config_reload"] != reloads || got["config_fail"]+got["update_rejected"] != 0 {
				t.Errorf("Envoy %s: %s has %v, want %d reloads", version, name, got, reloads)
			}
		}
		envoy.Stop()
		<-envoy.Exited()
		ejectInto(t, dir, append(args, "--force")...) // the files for the next version
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
