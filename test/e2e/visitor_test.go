package e2e_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// visitor is a host with the wrong protocol on a port, as in the API.
type visitor struct{ Port, Speaks, Address, Message, Hint string }

const (
	http2Options = `"@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions`
	tlsSocket    = `
    transport_socket:
      name: tls
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext`
)

// The commonest mistake in a bootstrap is a cluster with the wrong protocol for the port, and Envoy
// does not report the mistake. The server reports the mistake in the log, the API and the status.
func TestWrongProtocol(t *testing.T) {
	for _, tt := range []struct {
		name, port, speaks, log string
		change                  func(bootstrap string) string
		remote                  bool // Envoy must download a module first
	}{
		{
			"TLS to the xDS port", "xds", "tls", "a client speaks TLS to the xDS port",
			func(b string) string { return inCluster(b, "xds_", tlsSocket) }, false,
		},
		{
			"HTTP/1 to the xDS port", "xds", "http1", "a client speaks HTTP/1 to the xDS port",
			func(b string) string { return strings.ReplaceAll(b, "http2_protocol_options", "http_protocol_options") }, false,
		},
		{
			"TLS to the modules port", "modules", "tls", "a client speaks TLS to the modules port",
			func(b string) string { return inCluster(b, "wasm_xds_modules", tlsSocket) }, true,
		},
		{
			"HTTP/2 to the modules port", "modules", "http2", "a client speaks HTTP/2 to the modules port",
			func(b string) string {
				return inCluster(b, "wasm_xds_modules", "\n    typed_extension_protocol_options: {envoy.extensions.upstreams.http.v3.HttpProtocolOptions: {"+
					http2Options+", explicit_http_config: {http2_protocol_options: {}}}}")
			}, true,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScenario(t)
			s.write(auth, authModule("v1"), "")
			s.cp.Start()
			s.envoyWith(tt.change)
			if tt.remote {
				s.cp.WaitLive(auth, authModule("v1"), 1)
				s.swap(auth, authModule("v2"), "", 1)
			}
			s.cp.WaitLog(tt.log)
			var all []visitor
			s.cp.GetJSON("/api/v1/visitors", &all)
			if len(all) != 1 || all[0].Port != tt.port || all[0].Speaks != tt.speaks || all[0].Hint == "" {
				t.Errorf("%+v", all)
			}
			out, err := exec.CommandContext(t.Context(), harness.BuildBinary(t), "status", "--admin-address",
				strings.TrimPrefix(s.cp.AdminURL(), "http://")).CombinedOutput()
			if err != nil || !strings.Contains(string(out), tt.log) || !strings.Contains(string(out), "hint: "+all[0].Hint) {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// inCluster adds lines to the cluster with the name prefix.
func inCluster(bootstrap, name, lines string) string {
	before, after, _ := strings.Cut(bootstrap, "  - name: \""+name)
	first, rest, _ := strings.Cut(after, "\n")
	return before + "  - name: \"" + name + first + lines + "\n" + rest
}

// envoyWith starts an Envoy after a text change of the bootstrap.
func (s *scenario) envoyWith(change func(string) string) {
	s.t.Helper()
	b := harness.Bootstrap{XDSAddress: s.cp.XDSAddress(), ModulesAddress: s.cp.ModulesAddress(), HTTP: []harness.HTTPListener{{
		Name: "web", Port: harness.FreePort(s.t), Filters: harness.Filters(auth), Upstream: s.upstream.Address(),
	}}}
	text := b.YAML(s.t)
	changed := change(text)
	if changed == text {
		s.t.Fatalf("nothing was changed in\n%s", text)
	}
	harness.StartEnvoy(s.t, harness.EnvoyOptions{Bootstrap: changed})
}

// An Envoy with a request for other resources than filters waits for ever. The server reports the
// request, and serves the Envoy's filters all the same.
func TestOtherResources(t *testing.T) {
	const ads = "{ads: {}, resource_api_version: V3, initial_fetch_timeout: 1s}"
	for asks, tt := range map[string]struct{ field, config, log string }{
		"cds": {"cds_config", ads, "an Envoy asks here for clusters"},
		"lds": {"lds_config", "{resource_api_version: V3, initial_fetch_timeout: 1s, api_config_source: {api_type: DELTA_GRPC, transport_api_version: V3, " +
			"grpc_services: [{envoy_grpc: {cluster_name: XDS}}]}}", "an Envoy asks here for listeners"},
	} {
		t.Run(asks, func(t *testing.T) {
			s := newScenario(t)
			s.write(auth, authModule("v1"), "")
			s.cp.Start()
			s.envoyWith(func(b string) string {
				_, name, _ := strings.Cut(b, "cluster_name: ")
				name = name[:strings.IndexAny(name, "},\n")]
				return strings.Replace(b, "dynamic_resources:\n", "dynamic_resources:\n  "+tt.field+": "+strings.Replace(tt.config, "XDS", name, 1)+"\n", 1)
			})
			s.cp.WaitLog(tt.log)
			s.cp.WaitLive(auth, authModule("v1"), 1)
			var all []visitor
			s.cp.GetJSON("/api/v1/visitors", &all)
			if len(all) != 1 || all[0].Port != "xds" || all[0].Speaks != asks || all[0].Hint == "" {
				t.Errorf("%+v", all)
			}
		})
	}
}
