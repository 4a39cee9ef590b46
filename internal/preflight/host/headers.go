package host

import (
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

// headerMaps are the host functions for headers and trailers.
type headerMaps struct {
	memory   *memory
	budget   *budget
	logs     *logs
	misses   *misses
	contexts *contexts
	answers  *answers
	abi      string
}

func (h *headerMaps) bind(name string) handler {
	switch name {
	case "proxy_get_header_map_value":
		return h.get
	case "proxy_add_header_map_value":
		return func(a []uint64) uint64 { return h.change(a, addHeader) }
	case "proxy_replace_header_map_value":
		return func(a []uint64) uint64 { return h.change(a, replaceHeader) }
	case "proxy_remove_header_map_value":
		return h.remove
	case "proxy_get_header_map_pairs":
		return h.getPairs
	case "proxy_set_header_map_pairs":
		return h.setPairs
	case "proxy_get_header_map_size":
		return h.size
	default:
		return nil
	}
}

// shown returns the map of a kind that the module may change now, or nil. After a filter has let a
// message pass, Envoy shows the message only to proxy_on_log.
func (h *headerMaps) shown(kind uint64) *[]Header {
	x := h.contexts.active().exchange
	if x == nil {
		return nil
	}
	switch kind {
	case mapRequestHeaders:
		return x.request.shownHeaders()
	case mapRequestTrailers:
		return x.request.shownTrailers()
	case mapResponseHeaders:
		return x.response.shownHeaders()
	case mapResponseTrailers:
		return x.response.shownTrailers()
	default:
		return nil
	}
}

// readable returns the map of a kind that the module may read now, or nil.
func (h *headerMaps) readable(kind uint64) *[]Header {
	if m := h.answers.message(); m != nil {
		switch kind {
		case mapCallHeaders, mapGRPCInitial:
			return &m.Headers
		case mapCallTrailers, mapGRPCTrailing:
			return &m.Trailers
		}
	}
	if x := h.contexts.active().exchange; x != nil && x.logging {
		switch kind {
		case mapRequestHeaders:
			return x.request.headers
		case mapResponseHeaders:
			return x.response.headers
		case mapResponseTrailers:
			return x.response.trailers
		}
	}
	return h.shown(kind)
}

// writable is [headerMaps.shown], and adds trailers if a message can still get them.
func (h *headerMaps) writable(kind uint64) *[]Header {
	if x := h.contexts.active().exchange; x != nil {
		switch kind {
		case mapRequestTrailers:
			x.request.addTrailers()
		case mapResponseTrailers:
			x.response.addTrailers()
		}
	}
	return h.shown(kind)
}

func (h *headerMaps) get(a []uint64) uint64 {
	name, ok := h.memory.text(a[1], a[2])
	if a[0] > lastMap {
		return resultBadArgument
	}
	if !ok {
		return resultInvalidMemory
	}
	headers, i := h.readable(a[0]), -1
	if headers != nil {
		if i = indexHeader(*headers, name); i < 0 {
			h.misses.add("the " + mapName(a[0]) + " " + name)
		}
	}
	switch x := h.contexts.active().exchange; {
	case i >= 0:
		return h.memory.give([]byte((*headers)[i].Value), a[3], a[4])
	case headers == nil && (x == nil || !x.logging):
		return resultBadArgument
	case h.abi == envoy.ABI010:
		return h.memory.give(nil, a[3], a[4])
	default:
		return resultNotFound
	}
}

// change is the common part of adding and replacing.
func (h *headerMaps) change(a []uint64, apply func(headers []Header, p Header) []Header) uint64 {
	if a[0] > lastMap {
		return resultBadArgument
	}
	name, ok := h.memory.text(a[1], a[2])
	value, also := h.memory.text(a[3], a[4])
	if !ok || !also {
		return resultInvalidMemory
	}
	headers := h.writable(a[0])
	if headers == nil {
		return resultBadArgument
	}
	h.budget.keep(len(name) + len(value))
	*headers = apply(*headers, Header{strings.ToLower(name), value})
	return resultOK
}

func (h *headerMaps) remove(a []uint64) uint64 {
	if a[0] > lastMap {
		return resultBadArgument
	}
	name, ok := h.memory.text(a[1], a[2])
	if !ok {
		return resultInvalidMemory
	}
	headers := h.shown(a[0])
	if headers == nil {
		return resultBadArgument
	}
	*headers = removeHeader(*headers, name)
	return resultOK
}

func (h *headerMaps) getPairs(a []uint64) uint64 {
	if a[0] > lastMap {
		return resultBadArgument
	}
	headers := h.readable(a[0])
	if headers == nil || len(*headers) == 0 {
		return h.memory.give(nil, a[1], a[2]) // Envoy makes no difference
	}
	return h.memory.give(encodePairs(*headers), a[1], a[2])
}

func (h *headerMaps) setPairs(a []uint64) uint64 {
	if a[0] > lastMap {
		return resultBadArgument
	}
	b, ok := h.memory.bytes(a[1], a[2])
	if !ok {
		return resultInvalidMemory
	}
	headers := h.writable(a[0])
	if headers == nil {
		return resultBadArgument
	}
	*headers = readPairs(b, h.logs, h.budget)
	return resultOK
}

func (h *headerMaps) size(a []uint64) uint64 {
	if a[0] > lastMap {
		return resultBadArgument
	}
	headers := h.shown(a[0])
	if headers == nil {
		return resultBadArgument
	}
	if !h.memory.putU32(a[1], uint32(headersSize(headers))) {
		return resultInvalidMemory
	}
	return resultOK
}
