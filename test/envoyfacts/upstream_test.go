package envoyfacts

import (
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// upstreamFilterBootstrap has a static cluster with an upstream filter over ADS. No control plane
// is behind the filter, so no module is involved.
const upstreamFilterBootstrap = `
node: {id: a, cluster: b}
admin: {address: {socket_address: {address: 127.0.0.1, port_value: 0}}}
dynamic_resources:
  ads_config: {api_type: DELTA_GRPC, transport_api_version: V3, grpc_services: [{envoy_grpc: {cluster_name: xds}}]}
static_resources:
  clusters:
  - name: xds
    type: STATIC
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: {http2_protocol_options: {}}
    load_assignment: {cluster_name: xds, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 9}}}}]}]}
  - name: upstream
    type: STATIC
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: {http_protocol_options: {}}
        http_filters:
        - name: auth
          config_discovery:
            config_source: {resource_api_version: V3, ads: {}}
            type_urls: [type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm]
        - name: envoy.filters.http.upstream_codec
          typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec}
    load_assignment: {cluster_name: upstream, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 9}}}}]}]}
`

// A static cluster with an upstream filter over ADS ends the process during the start. A filter
// with a config source of its own does not.
func TestUpstreamFilterOverADSKillsEnvoy(t *testing.T) {
	on(t, both, func(t *testing.T, version string) {
		e := harness.StartEnvoy(t, harness.EnvoyOptions{Version: version, Bootstrap: upstreamFilterBootstrap, MayDie: true})
		<-e.Exited()
		if log := e.Log(); !strings.Contains(log, "Segmentation fault") {
			t.Errorf("Envoy ends, and logs %s", log)
		}
		const own = "api_config_source: {api_type: DELTA_GRPC, transport_api_version: V3, grpc_services: [{envoy_grpc: {cluster_name: xds}}]}"
		harness.StartEnvoy(t, harness.EnvoyOptions{Version: version, Bootstrap: strings.Replace(upstreamFilterBootstrap, "ads: {}", own, 1)})
	})
}
