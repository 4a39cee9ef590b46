package filtertests

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/preflight"
	"github.com/wasm-xds/wasm-xds/internal/preflight/host"
	"github.com/wasm-xds/wasm-xds/internal/preflight/sandbox"
	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// TestAnUnknownRootIDLetsEverythingPass covers filters of the C++ SDK. If the filter has not
// registered its root id, Envoy lets all requests pass even under a closed policy. The sandbox
// therefore refuses the filter.
func TestAnUnknownRootIDLetsEverythingPass(t *testing.T) {
	module := testfilter.RootID{IDs: []string{"auth_root"}}.Module()
	path := filepath.Join(t.TempDir(), "rootid.wasm")
	if err := os.WriteFile(path, module, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{"1.36.4", harness.DefaultVersion} {
		for id, status := range map[string]int{
			"auth_root": testfilter.ForbiddenStatus, "auth": http.StatusOK, "": http.StatusOK,
		} {
			t.Run(version+" "+id, func(t *testing.T) {
				s := &spec.Spec{Name: "auth", RootID: id, Policy: spec.Closed, Module: spec.Module{File: &spec.FileRef{Path: path}}}
				if report := preflight.Check(t.Context(), sandbox.RequestFor(s, module, nil), preflight.SmokeRequest); report.OK != (status != http.StatusOK) {
					t.Errorf("the sandbox says %+v", report.Problems)
				}
				u := &upstream{}
				server := httptest.NewServer(u)
				defer server.Close()
				port := harness.FreePort(t)
				envoy := harness.StartEnvoy(t, harness.EnvoyOptions{Version: version, Bootstrap: bootstrap(s, port, server.Listener.Addr(), httpChain)})
				envoy.WaitReady()
				u.next(spec.TestMessage{Status: http.StatusOK})
				got := send(t, &http.Transport{DisableKeepAlives: true}, port, spec.TestMessage{Method: "GET", Path: "/"})
				if statusOf(t, got) != status {
					t.Errorf("Envoy answers %d, not %d", statusOf(t, got), status)
				}
			})
		}
	}
}

func statusOf(t *testing.T, o host.Outcome) int {
	t.Helper()
	status, err := strconv.Atoi(o.Message.Headers[0].Value)
	if err != nil {
		t.Fatal(err)
	}
	return status
}
