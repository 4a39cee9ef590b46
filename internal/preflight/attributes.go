package preflight

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

// plainAttribute are the attributes from a stream's first callback on.
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

// plainRoute are the attributes of HTTP requests from their first callback on.
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

// plainCluster are the attributes once the cluster is known.
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

// plainHost are the attributes once the upstream is connected.
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

// plainAttribute returns an attribute that Envoy knows of the stream, beside the messages' headers.
func (s *Stream) plainAttribute(path string) (text string, ok bool) {
	answered := s.response.headers != nil
	switch path {
	case "request.time":
		return strconv.FormatInt(s.begun.UnixNano(), 10), true
	case "request.size":
		return strconv.Itoa(s.request.received), true
	case "request.total_size":
		return strconv.Itoa(s.request.received + s.request.headersSize()), true
	case "response.size":
		return strconv.Itoa(s.response.received), true
	case "response.total_size":
		return strconv.Itoa(s.response.received + s.response.headersSize()), true
	case "request.duration":
		return "1000000", s.logging
	case "response.code_details":
		return "via_upstream", answered && !s.local
	case "response.grpc_status":
		return "2", answered // gRPC's status for most statuses of HTTP
	case "response.backend_latency":
		return "1000000", answered && !s.local && (s.response.received > 0 || s.response.ending)
	}
	if text, ok = plainRoute(path); ok {
		return text, true
	}
	if answered && !s.local {
		if text, ok = plainHost(path); ok {
			return text, true
		}
	}
	return plainAttribute(path)
}

// headersSize returns the size of the headers that exist so far.
func (d *half) headersSize() int {
	size := 0
	if d.headers != nil {
		for _, p := range *d.headers {
			size += len(p.Name) + len(p.Value)
		}
	}
	return size
}

// property returns a property of a connection.
func (c *Connection) property(path string) (text string, ok bool) {
	switch path {
	case "request.headers", "response.headers", "response.trailers":
		return allHeaders(nil), true
	case "request.time":
		return strconv.FormatInt(c.begun.UnixNano(), 10), true
	case "upstream.transport_failure_reason":
		return "", true
	}
	if c.connected {
		if text, ok = plainHost(path); ok {
			return text, true
		}
		if text, ok = plainCluster(path); ok {
			return text, true
		}
	}
	return plainAttribute(path)
}
