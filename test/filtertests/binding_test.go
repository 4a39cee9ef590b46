package filtertests

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/preflight/host"
	"github.com/wasm-xds/wasm-xds/internal/preflight/runner"
	"github.com/wasm-xds/wasm-xds/internal/preflight/sandbox"
	"github.com/wasm-xds/wasm-xds/internal/preflight/wasmbin"
	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// buildEverything gives the filter that uses all of the Go binding, built from its source, with its
// specs.
func buildEverything(t *testing.T) ([]*spec.Spec, []byte) {
	t.Helper()
	directory := t.TempDir()
	built := filepath.Join(directory, "everything.wasm")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w",
		"-buildmode=c-shared", "-o", built, "./internal/everything")
	build.Dir = binding
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOFLAGS=", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	module, err := os.ReadFile(built)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(binding, "internal", "everything", "everything.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	specs, errs, _ := spec.Decode(filepath.Join(directory, "everything.yaml"), text)
	if len(errs) > 0 || len(specs) != 3 {
		t.Fatalf("%d specs, %v", len(specs), errs)
	}
	return specs, module
}

// binding is the directory of the package.
var binding = filepath.FromSlash("../../examples/envoy/src/proxywasm")

// hostFunctions are those that the binding binds.
func hostFunctions(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(binding, "hostcalls_wasip1.go"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, found := range regexp.MustCompile(`(?m)^//go:wasmimport env (\w+)$`).FindAllSubmatch(text, -1) {
		names = append(names, string(found[1]))
	}
	return names
}

// TestGoBinding: each function of the Go binding does in the sandbox, and in an Envoy of the oldest
// and of the newest version, what its documentation says.
func TestGoBinding(t *testing.T) {
	specs, module := buildEverything(t)
	info, err := wasmbin.Parse(module)
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, f := range info.Imports {
		used[f.Name] = true
	}
	for _, name := range hostFunctions(t) {
		if !used[name] {
			t.Errorf("no test calls %s", name)
		}
	}
	for _, s := range specs {
		for _, r := range runner.Run(t.Context(), sandbox.RequestFor(s, module, s.Config), s.Tests) {
			if !r.OK {
				t.Errorf("%s, in the sandbox: %v", r.Name, r.Failures)
			}
		}
	}
	for _, version := range []string{"1.36.4", harness.DefaultVersion} {
		t.Run(version, func(t *testing.T) {
			runHTTP(t, version, specs[0])
			continuedByATick(t, version, specs[0])
			runNetwork(t, version, specs[1])
		})
	}
}

// continuedByATick sends a request that the plugin, and not the stream's own context, continues.
func continuedByATick(t *testing.T, version string, s *spec.Spec) {
	t.Helper()
	u := &upstream{}
	server := httptest.NewServer(u)
	defer server.Close()
	port := harness.FreePort(t)
	envoy := harness.StartEnvoy(t, harness.EnvoyOptions{
		Version: version, Bootstrap: bootstrap(s, port, server.Listener.Addr(), httpChain),
	})
	envoy.WaitReady()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	u.next(spec.TestMessage{Status: http.StatusOK})
	got := send(t, transport, port, spec.TestMessage{Method: http.MethodGet, Path: "/tick"})
	if !slices.Contains(got.Message.Headers, host.Header{Name: ":status", Value: "200"}) || !u.taken().Reached {
		t.Errorf("in Envoy %s: the tick has not let the request pass: %v", version, got.Message.Headers)
	}
}
