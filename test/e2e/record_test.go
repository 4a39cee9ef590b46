package e2e_test

import (
	"bufio"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// tapFilter is a tap filter of Envoy, as record asks for it.
func tapFilter(name string) string {
	return `          - name: ` + name + `
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.tap.v3.Tap
              common_config: { admin_config: { config_id: wasm-xds } }
`
}

// Real requests become tests that pass, and no secret is in them.
func TestRecordedRequestsBecomeTests(t *testing.T) {
	t.Parallel()
	filters, dir := filepath.Join(t.TempDir(), "filters"), filepath.Join(t.TempDir(), "ejected")
	harness.WriteFilter(t, filters, auth, authModule("v1"), "")
	port, upstream := harness.FreePort(t), harness.StartUpstream(t)
	plain, _ := ejectInto(t, dir, "--from", filters, "--listen-address", harness.Loopback(port), "--upstream-address", upstream.Address())
	before, after, ok := strings.Cut(plain, "          - name: auth\n")
	filter, rest, ok2 := strings.Cut(after, "          - name: envoy.filters.http.router\n")
	if !ok || !ok2 {
		t.Fatal(plain)
	}
	tapped := before + tapFilter("before") + "          - name: auth\n" + filter + tapFilter("after") + "          - name: envoy.filters.http.router\n" + rest
	for _, version := range []string{"1.36.4", "1.40.0"} {
		envoy := harness.StartEnvoy(t, harness.EnvoyOptions{Version: version, Bootstrap: plain})
		envoy.WaitReady()
		out, err := exec.CommandContext(t.Context(), harness.BuildBinary(t), "record", auth, "--envoy", envoy.AdminURL()).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "+- name: wasm_xds_tap_before") {
			t.Errorf("Envoy %s without taps: %v\n%s", version, err, out)
		}
		envoy.Stop()
		<-envoy.Exited()

		envoy = harness.StartEnvoy(t, harness.EnvoyOptions{Version: version, Bootstrap: tapped})
		envoy.WaitReady()
		tests := recordWith(t, envoy, harness.Loopback(port))
		if strings.Contains(tests, "hunter2") || strings.Count(tests, "- name:") != 2 {
			t.Errorf("Envoy %s: the tests are\n%s", version, tests)
		}
		spec := filepath.Join(filters, auth+".yaml")
		text, err := os.ReadFile(spec)
		if err != nil {
			t.Fatal(err)
		}
		recorded := filepath.Join(filters, "..", "recorded")
		harness.WriteFile(t, filepath.Join(recorded, auth+".yaml"), append(append(text, '\n'), tests...))
		harness.WriteFile(t, filepath.Join(recorded, auth+".wasm"), authModule("v1"))
		if out, err := exec.CommandContext(t.Context(), harness.BuildBinary(t), "test", recorded).CombinedOutput(); err != nil || !strings.Contains(string(out), "2 tests passed") {
			t.Errorf("Envoy %s: %v\n%s", version, err, out)
		}
		envoy.Stop()
		<-envoy.Exited()
	}
}

// recordWith records two different requests, each sent twice, and returns the tests.
func recordWith(t *testing.T, envoy *harness.EnvoyProcess, address string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), harness.BuildBinary(t), "record", auth, "--envoy", envoy.AdminURL(), "--keep-header", "token", "--tests", "2")
	var stdout strings.Builder
	c.Stdout = &stdout
	stderr, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "recording") {
	}
	for _, token := range []string{"ok", "ok", ""} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer hunter2hunter2")
		if token != "" {
			request.Header.Set("Token", token)
		}
		response, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close() // the answer does not matter
	}
	var printed []string
	for lines.Scan() {
		printed = append(printed, lines.Text())
	}
	if err := c.Wait(); err != nil {
		t.Errorf("%v\n%s", err, strings.Join(printed, "\n"))
	}
	return stdout.String()
}
