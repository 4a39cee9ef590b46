package serve

import (
	"net"

	"github.com/wasm-xds/wasm-xds/internal/address"
	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/visitor"
)

// visitorOf turns a visit into the form in the status. encrypted says whether the port speaks TLS.
func visitorOf(port string, encrypted bool, from net.Addr, p visitor.Protocol) api.Visitor {
	v := api.Visitor{Port: port, Address: address.Client(from), Speaks: string(p)}
	const tlsHint = "take the transport_socket out of the Envoy cluster that leads here, or serve with --tls-cert-file"
	switch {
	case port == "admin" && encrypted:
		v.Message = "a client does not speak TLS to the admin port, which speaks TLS"
		v.Hint = "use https:// in the client, as in --admin-address https://HOST:PORT"
	case port == "admin" && p == visitor.TLS:
		v.Message = "a client speaks TLS to the admin port, which speaks HTTP/1 without TLS"
		v.Hint = "use http:// in the client, or serve with --admin-tls-cert-file"
	case port == "admin":
		v.Message = "a client speaks HTTP/2 without TLS to the admin port, which speaks HTTP/1"
		v.Hint = "if it is an Envoy, its cluster has to lead to the xDS port (--xds-address); have any other client speak HTTP/1"
	case encrypted:
		v.Message = "a client does not speak TLS to " + portName(port) + ", which speaks TLS"
		v.Hint = "give the Envoy cluster that leads here a transport_socket, as wasm-xds bootstrap --tls-ca-file does"
	case port == "xds" && p == visitor.TLS:
		v.Message, v.Hint = "a client speaks TLS to the xDS port, which speaks gRPC without TLS", tlsHint
	case port == "xds":
		v.Message = "a client speaks HTTP/1 to the xDS port, which speaks gRPC"
		v.Hint = "give the Envoy cluster that leads here http2_protocol_options, as wasm-xds bootstrap does; " +
			"where a browser or a probe asks, the admin address answers"
	case p == visitor.TLS:
		v.Message, v.Hint = "a client speaks TLS to the modules port, which speaks HTTP/1 without TLS", tlsHint
	default:
		v.Message = "a client speaks HTTP/2 to the modules port, which speaks HTTP/1"
		v.Hint = "take http2_protocol_options out of the Envoy cluster that leads here; the xDS port is another one"
	}
	return v
}

// portName names a port in a sentence.
func portName(port string) string {
	if port == "xds" {
		return "the xDS port"
	}
	return "the " + port + " port"
}
