package envoyconfig

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

const bootstrapText = `
node: {id: edge, cluster: c}
admin: {address: {socket_address: {address: 127.0.0.1, port_value: 9901}}}
layered_runtime: {layers: [{name: a, static_layer: {}}]}
dynamic_resources:
  ads_config:
    api_type: DELTA_GRPC
    grpc_services:
    - envoy_grpc: {cluster_name: xds, retry_policy: {retry_back_off: {base_interval: 1s}}}
  lds_config: {path_config_source: {path: lds.json}}
  cds_config: {path: missing.yaml}
static_resources:
  listeners:
  - address: {socket_address: {address: 0.0.0.0, port_value: 80}}
    filter_chains:
    - filters:
      - name: hcm
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          httpFilters:
          - name: auth
            config_discovery:
              config_source: {ads: {}, initial_fetch_timeout: 0s}
              type_urls: [type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm]
              default_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.set_filter_state.v3.Config}
              apply_default_config_without_warming: true
          - name: in_place
            typed_config:
              "@type": type.googleapis.com/udpa.type.v1.TypedStruct
              type_url: type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
              value: {config: {name: x}}
          - name: composite
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.common.matching.v3.ExtensionWithMatcher
              matcher:
                on_no_match:
                  action:
                    name: composite-action
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.composite.v3.ExecuteFilterAction
                      dynamic_config:
                        name: inner
                        config_discovery:
                          config_source: {api_config_source: {api_type: GRPC, grpc_services: [{google_grpc: {}}]}}
          - name: router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
    default_filter_chain:
      filters: [{name: tcp, typed_config: {"@type": type.example/unknown.Type}}]
  clusters:
  - name: xds
    typed_extension_protocol_options:
      any.name:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: {http2_protocol_options: {}}
        http_filters: [{name: up, config_discovery: {config_source: {ads: {}}}}]
    load_assignment: {endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: /run/xds.sock}}}}]}]}
  - name: old
    http2ProtocolOptions: {}
  - name: plain
    transport_socket: {name: tls, typed_config: {"@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext}}
`

const ldsText = `{"resources": [{"@type": "type.googleapis.com/envoy.config.listener.v3.Listener", "name": "l",
 "filterChains": [{"filters": [{"name": "n", "configDiscovery": {"configSource": {"path": "/x"},
 "typeUrls": ["type.googleapis.com/envoy.extensions.filters.network.wasm.v3.Wasm"]}}]}]}]}`

func open(path string) ([]byte, *spec.Error) {
	switch path {
	case "envoy.yaml":
		return []byte(bootstrapText), nil
	case "lds.json":
		return []byte(ldsText), nil
	default:
		return nil, &spec.Error{Code: "cannot_read", Message: "no such file"}
	}
}

func TestRead(t *testing.T) {
	c, problem := Read("envoy.yaml", open)
	if problem != nil {
		t.Fatal(problem)
	}
	var got strings.Builder
	for _, chain := range c.Chains {
		var where string
		if chain.Listener != nil {
			where = "listener " + chain.Listener.Name
		} else {
			where = "cluster " + chain.Cluster.Name
		}
		fmt.Fprintf(&got, "%s %s:\n", chain.Kind, where)
		for _, f := range chain.Filters {
			fmt.Fprintf(&got, "  %d %s at %v, wasm %t, takes wasm %t\n", f.Index, f.Name, f.Node.Pos(), f.IsWasm(), f.TakesWasm())
		}
	}
	const want = `network listener 0.0.0.0:80:
  0 hcm at envoy.yaml:17:9, wasm false, takes wasm false
http listener 0.0.0.0:80:
  0 auth at envoy.yaml:21:13, wasm false, takes wasm true
  1 in_place at envoy.yaml:27:13, wasm true, takes wasm false
  2 composite at envoy.yaml:32:13, wasm false, takes wasm false
  3 router at envoy.yaml:45:13, wasm false, takes wasm false
composite listener 0.0.0.0:80:
  0 inner at envoy.yaml:42:25, wasm false, takes wasm false
network listener 0.0.0.0:80:
  0 tcp at envoy.yaml:48:17, wasm false, takes wasm false
network listener l:
  0 n at lds.json:2:32, wasm false, takes wasm true
upstream cluster xds:
  0 up at envoy.yaml:55:24, wasm false, takes wasm false
`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(c.Unread) != 1 || len(c.Files) != 2 || c.Admin() != "127.0.0.1:9901" || c.Node.Scalar("id") != "edge" || len(c.RuntimeLayers()) != 1 {
		t.Errorf("%+v", c)
	}
}

func TestSources(t *testing.T) {
	c, problem := Read("envoy.yaml", open)
	if problem != nil {
		t.Fatal(problem)
	}
	byName := map[string]*Filter{}
	for _, f := range c.Filters() {
		byName[f.Name] = f
	}
	auth := byName["auth"].Discovery
	if s := auth.Source; s.Kind != ADS || !s.IsDelta() || !s.IsGRPC() || s.FetchTimeout != 0 || s.BackOff() == nil {
		t.Errorf("%+v", s)
	}
	if name, at := auth.Source.ClusterName(); name != "xds" || at.Pos().Line != 9 {
		t.Errorf("%s at %v", name, at.Pos())
	}
	if !auth.WithoutWarming || auth.DefaultType != "envoy.extensions.filters.http.set_filter_state.v3.Config" {
		t.Errorf("%+v", auth)
	}
	if s := byName["inner"].Discovery.Source; s.Kind != API || s.IsDelta() || s.FetchTimeout != 15*time.Second {
		t.Errorf("%+v", s)
	}
	if s := byName["n"].Discovery.Source; s.Kind != Path || s.Path != "/x" {
		t.Errorf("%+v", s)
	}
	for name, want := range map[string]bool{"xds": true, "old": true, "plain": false} {
		if got := c.Cluster(name).HTTP2(); got != want {
			t.Errorf("%s: %t", name, got)
		}
	}
	if e := c.Cluster("xds").Endpoints(); len(e) != 1 || e[0].Address != "unix:///run/xds.sock" {
		t.Errorf("%+v", e)
	}
	if c.Cluster("plain").TLS() == nil || c.Cluster("old").TLS() != nil || c.Cluster("none") != nil {
		t.Error("TLS")
	}
}

func TestApply(t *testing.T) {
	f := parse(t, "a: 1 # one\nb: [x]\n")
	a, x := f.Root.Get("a"), f.Root.All("b")[0]
	edits := []Edit{{x.End, x.End, ", y"}, {a.Start, a.End, "2"}}
	text, err := f.Apply(edits...)
	if err != nil || string(text) != "a: 2 # one\nb: [x, y]\n" {
		t.Errorf("%q, %v", text, err)
	}
	diff, err := f.Diff(edits...)
	if err != nil || !strings.Contains(diff, "-a: 1 # one\n-b: [x]\n+a: 2 # one\n+b: [x, y]\n") {
		t.Errorf("%s, %v", diff, err)
	}
	for _, wrong := range [][]Edit{{{0, 2, ""}, {1, 3, ""}}, {{3, 2, ""}}, {{0, 99, ""}}} {
		if _, err := f.Apply(wrong...); err == nil {
			t.Errorf("%v are applied", wrong)
		}
	}
}
