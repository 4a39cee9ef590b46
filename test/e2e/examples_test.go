package e2e_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// TestRustExamples runs the examples with modules in git through one Envoy.
func TestRustExamples(t *testing.T) {
	s := newScenario(t)
	for _, example := range []string{"body_replace", "rate", "request_metrics", "tcp_stream"} {
		if err := os.CopyFS(s.dir, os.DirFS("../../examples/"+example)); err != nil && !os.IsExist(err) {
			t.Fatal(err)
		}
		_ = os.Remove(filepath.Join(s.dir, "SHA256SUMS")) // of one directory, and here are several
	}
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = io.WriteString(w, "dog: "+string(body))
	}))
	t.Cleanup(upstream.Close)
	s.cp.Start()
	web, raw := harness.Loopback(harness.FreePort(t)), harness.Loopback(harness.FreePort(t))
	yaml, err := exec.CommandContext(t.Context(), harness.BuildBinary(t), "bootstrap", s.dir,
		"--xds-address", s.cp.XDSAddress(), "--modules-address", s.cp.ModulesAddress(),
		"--listen-address", web, "--tcp-listen-address", raw, "--upstream-address", upstream.Listener.Addr().String()).Output()
	if err != nil {
		t.Fatal(err)
	}
	envoy := harness.StartEnvoy(t, harness.EnvoyOptions{Bootstrap: string(yaml)})
	envoy.WaitReady()

	// The request's cat reaches the upstream as a dog, and each dog of the response is a cat again.
	if status, body := post(t, web, "cat and secret"); status != http.StatusOK || body != "cat: cat and ******" {
		t.Errorf("%d %q", status, body)
	}
	envoy.WaitStat("wasmcustom.request_metrics_2xx", 1)
	envoy.WaitStat("wasmcustom.request_metrics_in_flight", 0)

	if status, _ := post(t, raw, "secret"); status != http.StatusOK {
		t.Errorf("through the TCP filter: %d", status)
	}
	envoy.WaitLog("bytes: POST / HTTP/1.1")
	envoy.WaitLog("bytes: HTTP/1.1 200 OK")
	envoy.WaitLog("upstream=" + upstream.Listener.Addr().String())

	// With the limit 0, each request that rate_count has counted is one too many for rate_limit.
	limit := func(from, to string) {
		t.Helper()
		path := filepath.Join(s.dir, "rate_limit.yaml")
		text, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(path, []byte(strings.Replace(string(text), from, to, 1)), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	// The tests of the spec are for its own limit.
	text, err := os.ReadFile(filepath.Join(s.dir, "rate_limit.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	without, _, _ := strings.Cut(string(text), "tests:")
	limit(string(text), without)
	for _, step := range []struct {
		from, to string
		want     int
	}{{`config: "100"`, `config: "0"`, http.StatusTooManyRequests}, {`config: "0"`, `config: "1000000"`, http.StatusOK}} {
		limit(step.from, step.to)
		var status int
		if !harness.Poll(t.Context(), func() bool {
			status, _ = post(t, web, "")
			return status == step.want
		}) {
			t.Errorf("with %s: %d, not %d", step.to, status, step.want)
		}
	}
}

// post sends a body, and returns the answer.
func post(t *testing.T, address, body string) (status int, answer string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}
