package envoyconfig

import "strings"

// The types of messages for the package to read, without the prefix of a type URL.
const (
	typeHCM            = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
	typeHTTPOptions    = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
	typeExecuteFilter  = "envoy.extensions.filters.http.composite.v3.ExecuteFilterAction"
	typeDiscoveryEntry = "envoy.service.discovery.v3.Resource"

	// TypeRouter is the router, which ends a chain of HTTP filters.
	TypeRouter = "envoy.extensions.filters.http.router.v3.Router"
	// TypeUpstreamCodec ends a chain of upstream HTTP filters.
	TypeUpstreamCodec = "envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec"
	// TypeHTTPWasm and TypeNetworkWasm are the Wasm filters.
	TypeHTTPWasm    = "envoy.extensions.filters.http.wasm.v3.Wasm"
	TypeNetworkWasm = "envoy.extensions.filters.network.wasm.v3.Wasm"
	// TypeTLS is the transport socket of a cluster with TLS.
	TypeTLS = "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"
)

// TypeURLPrefix stands before the name of a message in the type URLs of Envoy.
const TypeURLPrefix = "type.googleapis.com/"

// TypeName returns the name of the message in a type URL: the part after the last slash.
func TypeName(url string) string { return url[strings.LastIndexByte(url, '/')+1:] }

// Any returns the message in a field like typed_config: the type and the fields. A TypedStruct is
// unwrapped. The type is "" if the field has none.
func (n *Node) Any(path ...string) (typeName string, body *Node) {
	body = n.Get(path...)
	typeName = TypeName(body.Scalar("@type"))
	if strings.HasSuffix(typeName, ".TypedStruct") {
		return TypeName(body.Scalar("type_url")), body.Get("value")
	}
	return typeName, body
}
