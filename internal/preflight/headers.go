package preflight

import (
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
)

// The kinds of header maps.
const (
	mapRequestHeaders = iota
	mapRequestTrailers
	mapResponseHeaders
	mapResponseTrailers
	mapGRPCInitial
	mapGRPCTrailing
	mapCallHeaders
	mapCallTrailers
	lastMap = mapCallTrailers
)

// mapName returns the noun for an entry of a map.
func mapName(kind uint64) string {
	names := [...]string{
		mapRequestHeaders: "request header", mapRequestTrailers: "request trailer",
		mapResponseHeaders: "response header", mapResponseTrailers: "response trailer",
	}
	if kind < uint64(len(names)) {
		return names[kind]
	}
	return "header of an answer"
}

// headerMap returns the map of a kind that the module may change now, or nil. After a filter has
// let a message pass, Envoy shows the message only to proxy_on_log.
func (h *host) headerMap(kind uint64) *[]Header {
	s := h.context().stream
	if s == nil {
		return nil
	}
	switch kind {
	case mapRequestHeaders:
		return s.request.shownHeaders()
	case mapRequestTrailers:
		return s.request.shownTrailers()
	case mapResponseHeaders:
		return s.response.shownHeaders()
	case mapResponseTrailers:
		return s.response.shownTrailers()
	default:
		return nil
	}
}

// readableMap returns the map of a kind that the module may read now, or nil.
func (h *host) readableMap(kind uint64) *[]Header {
	if answer := h.state.answer; answer != nil {
		switch kind {
		case mapCallHeaders, mapGRPCInitial:
			return &answer.Message.Headers
		case mapCallTrailers, mapGRPCTrailing:
			return &answer.Message.Trailers
		}
	}
	if s := h.context().stream; s != nil && s.logging {
		switch kind {
		case mapRequestHeaders:
			return s.request.headers
		case mapResponseHeaders:
			return s.response.headers
		case mapResponseTrailers:
			return s.response.trailers
		}
	}
	return h.headerMap(kind)
}

func (h *host) getHeader(a []uint64) uint64 {
	name, ok := h.text(a[1], a[2])
	if a[0] > lastMap {
		return resultBadArgument
	}
	if !ok {
		return resultInvalidMemory
	}
	headers, i := h.readableMap(a[0]), -1
	if headers != nil {
		if i = indexHeader(*headers, name); i < 0 {
			h.miss("the " + mapName(a[0]) + " " + name)
		}
	}
	switch s := h.context().stream; {
	case i >= 0:
		return h.give([]byte((*headers)[i].Value), a[3], a[4])
	case headers == nil && (s == nil || !s.logging):
		return resultBadArgument
	case h.abi == envoy.ABI010:
		return h.give(nil, a[3], a[4])
	default:
		return resultNotFound
	}
}

func indexHeader(headers []Header, name string) int {
	return slices.IndexFunc(headers, func(p Header) bool { return strings.EqualFold(p.Name, name) })
}

// change is the common part of adding and replacing.
func (h *host) change(a []uint64, apply func(headers []Header, p Header) []Header) uint64 {
	if a[0] > lastMap {
		return resultBadArgument
	}
	name, ok := h.text(a[1], a[2])
	value, also := h.text(a[3], a[4])
	if !ok || !also {
		return resultInvalidMemory
	}
	headers := h.writableMap(a[0])
	if headers == nil {
		return resultBadArgument
	}
	h.keep(len(name) + len(value))
	*headers = apply(*headers, Header{strings.ToLower(name), value})
	return resultOK
}

// writableMap adds trailers if a message can still get them.
func (h *host) writableMap(kind uint64) *[]Header {
	if s := h.context().stream; s != nil && (kind == mapRequestTrailers || kind == mapResponseTrailers) {
		half := &s.request
		if kind == mapResponseTrailers {
			half = &s.response
		}
		if half.trailers == nil && half.ending && half.visible != nil {
			half.trailers = new([]Header)
		}
	}
	return h.headerMap(kind)
}

func (h *host) addHeader(a []uint64) uint64 {
	return h.change(a, func(headers []Header, p Header) []Header { return append(headers, p) })
}

func (h *host) replaceHeader(a []uint64) uint64 { return h.change(a, replaceHeader) }

func replaceHeader(headers []Header, p Header) []Header {
	i := indexHeader(headers, p.Name)
	if i < 0 {
		return append(headers, p)
	}
	headers[i].Value = p.Value
	return append(headers[:i+1], removeHeader(headers[i+1:], p.Name)...)
}

func removeHeader(headers []Header, name string) []Header {
	return slices.DeleteFunc(headers, func(p Header) bool { return strings.EqualFold(p.Name, name) })
}

func (h *host) removeHeader(a []uint64) uint64 {
	if a[0] > lastMap {
		return resultBadArgument
	}
	name, ok := h.text(a[1], a[2])
	if !ok {
		return resultInvalidMemory
	}
	headers := h.headerMap(a[0])
	if headers == nil {
		return resultBadArgument
	}
	*headers = removeHeader(*headers, name)
	return resultOK
}

func (h *host) getHeaderPairs(a []uint64) uint64 {
	if a[0] > lastMap {
		return resultBadArgument
	}
	headers := h.readableMap(a[0])
	if headers == nil || len(*headers) == 0 {
		return h.give(nil, a[1], a[2]) // Envoy makes no difference
	}
	return h.give(encodePairs(*headers), a[1], a[2])
}

func (h *host) setHeaderPairs(a []uint64) uint64 {
	if a[0] > lastMap {
		return resultBadArgument
	}
	b, ok := h.bytes(a[1], a[2])
	if !ok {
		return resultInvalidMemory
	}
	headers := h.writableMap(a[0])
	if headers == nil {
		return resultBadArgument
	}
	*headers = h.pairs(b)
	return resultOK
}

// pairs reads a list of headers as Envoy does: a malformed list is empty.
func (h *host) pairs(b []byte) []Header {
	headers, err := decodePairs(b)
	if err != nil {
		h.log(LogWarn, "[host] "+err.Error()+"; they count as none")
		return nil
	}
	h.keep(len(b))
	return headers
}

func (h *host) getHeaderSize(a []uint64) uint64 {
	if a[0] > lastMap {
		return resultBadArgument
	}
	headers := h.headerMap(a[0])
	if headers == nil {
		return resultBadArgument
	}
	size := 0
	for _, p := range *headers {
		size += len(p.Name) + len(p.Value)
	}
	if !h.putU32(a[1], uint32(size)) {
		return resultInvalidMemory
	}
	return resultOK
}
