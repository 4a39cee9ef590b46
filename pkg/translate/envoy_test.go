package translate_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/program"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
	"github.com/wasm-xds/wasm-xds/pkg/translate"
)

// onEnvoys runs a test on a real Envoy of each dialect that is in use.
func onEnvoys(t *testing.T, test func(t *testing.T, v translate.Version)) {
	if testing.Short() {
		program.NotTested(t, "real Envoys take time")
	}
	for _, v := range []translate.Version{v1_36, v1_39, v1_40} {
		t.Run(v.String(), func(t *testing.T) { test(t, v) })
	}
}

// TestEnvoyTakesEveryField has Envoy validate the resource of each case. Envoy
// refuses a field that it does not know, and loads the module.
func TestEnvoyTakesEveryField(t *testing.T) {
	onEnvoys(t, func(t *testing.T, v translate.Version) {
		dir := t.TempDir()
		modules := map[spec.Type][]byte{
			spec.HTTP:    testfilter.HTTP{Stamp: "a"}.Module(),
			spec.Network: testfilter.Network{Stamp: "a"}.Module(),
		}
		var chains []listener
		for _, c := range cases() {
			if c.revision.VM.Runtime != "envoy.wasm.runtime.v8" {
				continue // the others are not in this build of Envoy
			}
			file := filepath.Join(dir, string(c.revision.Type)+".wasm")
			if err := os.WriteFile(file, modules[c.revision.Type], 0o600); err != nil {
				t.Fatal(err)
			}
			// Remote code that is not cached is refused, on purpose: the end-to-end
			// tests are for that.
			for _, code := range []translate.Code{
				{Variant: translate.Inline, Bytes: modules[c.revision.Type]},
				{Variant: translate.File, Path: file},
			} {
				chains = append(chains, newListener(t, len(chains), 0, c.revision, code, v))
			}
		}
		path := filepath.Join(dir, "bootstrap.json")
		if err := os.WriteFile(path, []byte(bootstrap(t, chains)), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(harness.Envoy(t, v.String()), "--mode", "validate", "-c", path, "-l", "warning").CombinedOutput()
		if err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
}

// TestCapabilitiesRestrictTheModuleAndNotEnvoy shows the reason for restrict: Envoy never calls
// callbacks that are not in the list, so a closed filter would let everything pass, and an empty
// list restricts nothing.
func TestCapabilitiesRestrictTheModuleAndNotEnvoy(t *testing.T) {
	guard := testfilter.HTTP{Stamp: "a", RequireToken: true, EchoLog: true}.Module()
	trap := testfilter.HTTP{TrapOnRequest: true}.Module()
	calls := []string{"proxy_add_header_map_value", "proxy_get_header_map_value", "proxy_send_local_response"}
	scenarios := []struct {
		name         string
		module       []byte
		capabilities []string
		token        string
		status       int
		stamp, log   string
	}{
		{"unrestricted, refused", guard, nil, "", 403, "a", "ok"},
		{"unrestricted, passed", guard, nil, "ok", 200, "a", "ok"},
		{"restricted, refused", guard, calls, "", 403, "a", "refused"},
		{"restricted, passed", guard, calls, "ok", 200, "a", "refused"},
		{"restricted, with the log", guard, append([]string{"proxy_log"}, calls...), "ok", 200, "a", "ok"},
		{"nothing allowed, and yet called", trap, []string{}, "", 503, "", ""},
		{"nothing allowed, no header added", testfilter.HTTP{Stamp: "a"}.Module(), []string{}, "", 200, "", ""},
	}
	onEnvoys(t, func(t *testing.T, v translate.Version) {
		ports := make([]int, len(scenarios))
		var listeners []listener
		for i, s := range scenarios {
			ports[i] = harness.FreePort(t)
			r := revision(func(r *snapshot.Revision) {
				r.Filter, r.Capabilities = fmt.Sprintf("filter-%d", i), s.capabilities
			})
			listeners = append(listeners, newListener(t, i, ports[i], r,
				translate.Code{Variant: translate.Inline, Bytes: s.module}, v))
		}
		envoy := harness.StartEnvoy(t, harness.EnvoyOptions{Version: v.String(), Bootstrap: bootstrap(t, listeners)})
		envoy.WaitReady()
		for i, s := range scenarios {
			status, header := get(t, ports[i], s.token)
			if status != s.status || header.Get(testfilter.StampHeader) != s.stamp || header.Get(testfilter.LogHeader) != s.log {
				t.Errorf("%s: status %d, headers %v", s.name, status, header)
			}
		}
	})
}

func get(t *testing.T, port int, token string) (status int, header http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+harness.Loopback(port)+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("token", token)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode, res.Header
}

// listener is a listener of a bootstrap, as JSON.
type listener string

// newListener is one with the revision's filter alone, before an answer of
// Envoy's own (HTTP) or an end of the connection (network).
func newListener(t *testing.T, i, port int, r *snapshot.Revision, code translate.Code, v translate.Version) listener {
	t.Helper()
	resource, err := translate.Resource(r, code, testSalt, v)
	if err != nil {
		t.Fatal(err)
	}
	// A static filter has the very form of the resource.
	filters := string(indent(t, resource)) + `, {"name": "end", "typed_config": {"@type": ` +
		`"type.googleapis.com/envoy.extensions.filters.network.echo.v3.Echo"}}`
	if r.Type == spec.HTTP {
		filters = strings.NewReplacer("FILTER", string(indent(t, resource))).Replace(`{
			"name": "http", "typed_config": {
				"@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
				"stat_prefix": "http",
				"route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [
					{"match": {"prefix": "/"}, "direct_response": {"status": 200}}]}]},
				"http_filters": [FILTER, {"name": "router", "typed_config": {
					"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}]}}`)
	}
	return listener(fmt.Sprintf(`{"name": "l%d", "filter_chains": [{"filters": [%s]}],
		"address": {"socket_address": {"address": "127.0.0.1", "port_value": %d}}}`, i, filters, port))
}

func bootstrap(t *testing.T, listeners []listener) string {
	t.Helper()
	all := make([]json.RawMessage, len(listeners))
	for i, l := range listeners {
		all[i] = json.RawMessage(l)
	}
	data, err := json.Marshal(map[string]any{"static_resources": map[string]any{"listeners": all}})
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
