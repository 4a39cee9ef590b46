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
	tapped := before + tapFilter("before") + "          - name: auth\n" + filter + tapFilter("after") + tapFilter("after_too") + "          - name: envoy.filters.http.router\n" + rest
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
		spec := filepath.Join(filters, auth+".yaml")
		before, err := os.ReadFile(spec)
		if err != nil {
			t.Fatal(err)
		}
		tests, printed := recordWith(t, envoy, harness.Loopback(port), "--spec", spec)
		for _, want := range []string{`"name":"anna","password":"masked-`, "Access forbidden.", "upstream: none"} {
			if !strings.Contains(strings.ReplaceAll(tests, `\"`, `"`), want) {
				t.Errorf("Envoy %s: no %q", version, want)
			}
		}
		if strings.Contains(tests, "hunter2") || strings.Count(tests, "- name:") != 2 || !strings.Contains(printed, "sandbox: 2 tests passed") {
			t.Errorf("Envoy %s: the tests are\n%s\n%s", version, tests, printed)
		}
		// The tests that pass get into the spec, once.
		for range 2 {
			_, printed = recordWith(t, envoy, harness.Loopback(port), "--spec", spec, "--write")
		}
		if !strings.Contains(printed, "2 tests there already") {
			t.Errorf("Envoy %s: the second time\n%s", version, printed)
		}
		if out, err := exec.CommandContext(t.Context(), harness.BuildBinary(t), "test", filters).CombinedOutput(); err != nil || !strings.Contains(string(out), "2 tests passed") {
			t.Errorf("Envoy %s: %v\n%s", version, err, out)
		}
		harness.WriteFile(t, spec, before)
		envoy.Stop()
		<-envoy.Exited()
	}
}

// recordWith records two different requests, one of them sent twice, and returns the tests and the
// messages.
func recordWith(t *testing.T, envoy *harness.EnvoyProcess, address string, args ...string) (tests, messages string) {
	t.Helper()
	args = append([]string{"record", auth, "--envoy", envoy.AdminURL(), "--keep", "token", "--tests", "2"}, args...)
	c := exec.CommandContext(t.Context(), harness.BuildBinary(t), args...)
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
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/", strings.NewReader(`{"name":"anna","password":"hunter2"}`))
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
	return stdout.String(), strings.Join(printed, "\n")
}
