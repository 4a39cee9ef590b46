package host

import (
	"encoding/binary"
	"strconv"
)

// isNumber and isBool have the properties that Envoy gives as 8 bytes and as one byte. All others
// are text.
func isNumber(path string) bool {
	switch path {
	case "source.port", "destination.port", "upstream.port", "request.size", "request.total_size", "request.time",
		"request.duration", "response.code", "response.size", "response.total_size", "response.flags",
		"response.grpc_status", "response.backend_latency", "upstream.request_attempt_count", "upstream.cx_pool_ready_duration",
		"connection.id", "connection_id", "listener_direction", "xds.listener_direction":
		return true
	default:
		return false
	}
}

func isBool(path string) bool { return path == "connection.mtls" }

func encodeProperty(path, text string) []byte {
	switch {
	case isNumber(path):
		// Text that is no number counts as 0.
		n, _ := strconv.ParseInt(text, 10, 64)
		return binary.LittleEndian.AppendUint64(nil, uint64(n))
	case isBool(path):
		if text == "true" || text == "1" {
			return []byte{1}
		}
		return []byte{0}
	default:
		return []byte(text)
	}
}
