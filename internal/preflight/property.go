package preflight

import (
	"encoding/binary"
	"strconv"
	"strings"
)

// numbers and bools are the properties that Envoy gives as 8 bytes and as one byte. All others are
// text.
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

func (h *host) getProperty(a []uint64) uint64 {
	raw, ok := h.text(a[0], a[1])
	if !ok {
		return resultInvalidMemory
	}
	parts := strings.Split(strings.TrimRight(raw, "\x00"), "\x00")
	value, ok := h.property(parts)
	if !ok {
		h.miss("the property " + strings.Join(parts, "."))
		return resultNotFound
	}
	return h.give(value, a[2], a[3])
}

func (h *host) setProperty(a []uint64) uint64 {
	path, ok := h.text(a[0], a[1])
	value, also := h.text(a[2], a[3])
	if !ok || !also {
		return resultInvalidMemory
	}
	c := h.context()
	if c.stream == nil && c.connection == nil {
		return resultNotFound // the state would belong to a stream, and there is none
	}
	h.keep(len(path) + len(value))
	c.set(strings.ReplaceAll(strings.TrimRight(path, "\x00"), "\x00", "."), value)
	return resultOK
}

func (c *contextState) set(path, value string) {
	if c.properties == nil {
		c.properties = map[string]string{}
	}
	c.properties[path] = value
}

// property looks first at the properties that the caller or the module has set, then at the
// plugin's own, and then at the message.
func (h *host) property(parts []string) ([]byte, bool) {
	path := strings.Join(parts, ".")
	c := h.context()
	if value, ok := c.properties[path]; ok {
		return encodeProperty(path, value), true
	}
	if value, ok := c.properties["wasm."+path]; ok {
		return []byte(value), true
	}
	switch path {
	case "plugin_name":
		return []byte(h.request.Name), true
	case "plugin_root_id":
		h.readRootID = true
		return []byte(h.request.RootID), true
	case "plugin_vm_id":
		return []byte(h.request.VMID), true
	}
	var value string
	var ok bool
	switch {
	case c.stream != nil:
		value, ok = c.stream.property(parts)
		if !ok {
			value, ok = c.stream.plainAttribute(path)
		}
	case c.connection != nil:
		value, ok = c.connection.property(path)
	}
	if !ok {
		return nil, false
	}
	return encodeProperty(path, value), true
}

// property returns a property that follows from the message itself.
func (s *Stream) property(parts []string) (string, bool) {
	half := &s.request
	switch parts[0] {
	case "request":
	case "response":
		half = &s.response
	default:
		return "", false
	}
	headers, trailers := half.shownHeaders(), half.shownTrailers()
	if s.logging {
		headers, trailers = half.headers, half.trailers
	}
	if len(parts) == 2 {
		switch {
		case parts[1] == "headers":
			return allHeaders(headers), true
		case parts[1] == "trailers" && parts[0] == "response":
			return allHeaders(trailers), true
		}
	}
	if half.headers == nil || len(parts) < 2 {
		return "", false
	}
	switch {
	case parts[1] == "headers":
		return headerProperty(headers, parts)
	case parts[1] == "trailers":
		return headerProperty(trailers, parts)
	case parts[0] == "response" && parts[1] == "code":
		return lookup(*half.headers, ":status")
	case parts[0] == "request" && headers != nil:
		return requestProperty(*headers, parts[1])
	default:
		return "", false
	}
}

// allHeaders encodes a map as a property. Envoy has the property even without any headers.
func allHeaders(headers *[]Header) string {
	if headers == nil {
		return string(encodePairs(nil))
	}
	return string(encodePairs(*headers))
}

func headerProperty(headers *[]Header, parts []string) (string, bool) {
	if headers == nil || len(parts) != 3 {
		return "", false
	}
	return lookup(*headers, parts[2])
}

func lookup(headers []Header, name string) (string, bool) {
	i := indexHeader(headers, name)
	if i < 0 {
		return "", false
	}
	return headers[i].Value, true
}

func requestProperty(headers []Header, name string) (string, bool) {
	of := map[string]string{
		"path": ":path", "host": ":authority", "scheme": ":scheme", "method": ":method",
		"referer": "referer", "useragent": "user-agent", "id": "x-request-id",
	}
	if header, ok := of[name]; ok {
		return lookup(headers, header)
	}
	path, _ := lookup(headers, ":path")
	before, query, _ := strings.Cut(path, "?")
	switch name {
	case "url_path":
		return before, true
	case "query":
		return query, true
	default:
		return "", false
	}
}
