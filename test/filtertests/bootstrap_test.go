package filtertests

import (
	"fmt"
	"net"
	"path/filepath"
	"strconv"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// httpChain is a listener's filter chain with an HTTP filter; %s is the plugin.
const httpChain = `
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: test
          server_header_transformation: PASS_THROUGH
          http_protocol_options: {enable_trailers: true}
          route_config:
            virtual_hosts:
            - {name: all, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: upstream}}]}
          http_filters:
          - name: wasm
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm, config: %s}
          - name: router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
`

// tcpChain is a listener's filter chain with a network filter.
const tcpChain = `
      - name: wasm
        typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.network.wasm.v3.Wasm, config: %s}
      - name: envoy.filters.network.tcp_proxy
        typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy, stat_prefix: test, cluster: upstream}
`

// bootstrap returns the configuration of an Envoy with a filter from a file and no control
// plane.
func bootstrap(s *spec.Spec, port int, upstream net.Addr, chain string) string {
	path, err := filepath.Abs(s.Module.File.Path)
	if err != nil {
		panic(err) // only if the working directory is gone
	}
	config := ""
	if s.Config != nil {
		config = fmt.Sprintf(", configuration: {\"@type\": type.googleapis.com/google.protobuf.StringValue, value: %s}", strconv.Quote(*s.Config))
	}
	if s.RootID != "" {
		config += ", root_id: " + strconv.Quote(s.RootID)
	}
	plugin := fmt.Sprintf("{name: %s, vm_config: {runtime: envoy.wasm.runtime.v8, code: {local: {filename: %s}}}%s}",
		s.Name, strconv.Quote(path), config)
	_, upstreamPort, err := net.SplitHostPort(upstream.String())
	if err != nil {
		panic(err) // a listener's address has a port
	}
	return fmt.Sprintf(`
admin: {address: {socket_address: {address: 127.0.0.1, port_value: 0}}}
static_resources:
  listeners:
  - name: test
    address: {socket_address: {address: 127.0.0.1, port_value: %d}}
    filter_chains:
    - filters:%s
  clusters:
  - name: upstream
    type: STATIC
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: {http_protocol_options: {enable_trailers: true}}
    load_assignment:
      cluster_name: upstream
      endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: %s}}}}]}]
`, port, fmt.Sprintf(chain, plugin), upstreamPort)
}
