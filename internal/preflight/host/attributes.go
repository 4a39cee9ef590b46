package host

import (
	"strconv"
)

// The attributes of a plain request or connection beside those of the message itself. The values
// are made up, but a filter may rely on their presence. test/filtertests compares attributes and
// phases with real Envoys.
const (
	plainClient   = "127.0.0.1:50000"
	plainListener = "127.0.0.1:10000"
	plainUpstream = "127.0.0.1:8080"
	plainNode     = "sandbox"
)

// plainAttribute returns the attributes from a stream's first callback on.
func plainAttribute(path string) (text string, ok bool) {
	switch path {
	case "source.address":
		return plainClient, true
	case "source.port":
		return "50000", true
	case "destination.address":
		return plainListener, true
	case "destination.port":
		return "10000", true
	case "connection.id", "connection_id", "upstream.request_attempt_count":
		return "1", true
	case "connection.mtls":
		return "false", true
	case "response.flags", "xds.listener_direction", "request.size", "request.total_size", "response.size", "response.total_size":
		return "0", true
	case "xds.node.id", "xds.node.cluster":
		return plainNode, true
	case "connection.requested_server_name", "metadata", "xds.node", "xds.listener_metadata", "xds.filter_chain_name":
		return "", true
	default:
		return "", false
	}
}

// plainRoute returns the attributes of HTTP requests from their first callback on.
func plainRoute(path string) (text string, ok bool) {
	switch path {
	case "xds.virtual_host_name":
		return "all", true
	case "request.protocol":
		return "HTTP/1.1", true
	case "xds.route_name", "xds.route_metadata", "xds.virtual_host_metadata":
		return "", true
	default:
		return plainCluster(path)
	}
}

// plainCluster returns the attributes once the cluster is known.
func plainCluster(path string) (text string, ok bool) {
	switch path {
	case "xds.cluster_name":
		return "upstream", true
	case "xds.cluster_metadata":
		return "", true
	default:
		return "", false
	}
}

// plainHost returns the attributes once the upstream is connected.
func plainHost(path string) (text string, ok bool) {
	switch path {
	case "upstream.address":
		return plainUpstream, true
	case "upstream.port":
		return "8080", true
	case "upstream.local_address":
		return "127.0.0.1:50001", true
	case "upstream.cx_pool_ready_duration":
		return "1000000", true // a millisecond
	case "upstream.transport_failure_reason", "upstream.locality":
		return "", true
	default:
		return "", false
	}
}

// exchangeAttribute returns an attribute that Envoy knows of the stream, beside the messages'
// headers.
func exchangeAttribute(x *exchange, path string) (text string, ok bool) {
	answered := x.response.begun()
	switch path {
	case "request.time":
		return strconv.FormatInt(x.begun.UnixNano(), 10), true
	case "request.size":
		return strconv.Itoa(x.request.bodySize()), true
	case "request.total_size":
		return strconv.Itoa(x.request.totalSize()), true
	case "response.size":
		return strconv.Itoa(x.response.bodySize()), true
	case "response.total_size":
		return strconv.Itoa(x.response.totalSize()), true
	case "request.duration":
		return "1000000", x.logging
	case "response.code_details":
		return "via_upstream", answered && !x.local
	case "response.grpc_status":
		return "2", answered // gRPC's status for most statuses of HTTP
	case "response.backend_latency":
		return "1000000", answered && !x.local && x.response.bodyOrEnd()
	}
	if text, ok = plainRoute(path); ok {
		return text, true
	}
	if answered && !x.local {
		if text, ok = plainHost(path); ok {
			return text, true
		}
	}
	return plainAttribute(path)
}

// linkProperty returns a property of a connection.
func linkProperty(l *link, path string) (text string, ok bool) {
	switch path {
	case "request.headers", "response.headers", "response.trailers":
		return allHeaders(nil), true
	case "request.time":
		return strconv.FormatInt(l.begun.UnixNano(), 10), true
	case "upstream.transport_failure_reason":
		return "", true
	}
	if l.connected {
		if text, ok = plainHost(path); ok {
			return text, true
		}
		if text, ok = plainCluster(path); ok {
			return text, true
		}
	}
	return plainAttribute(path)
}
