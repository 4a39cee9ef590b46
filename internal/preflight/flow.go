package preflight

import (
	"context"
	"strconv"
)

// The kinds of streams that a module can continue or close.
const (
	streamRequest = iota
	streamResponse
	streamDownstream
	streamUpstream
	lastStream = streamUpstream
)

// later schedules an action for the end of the callback, as Envoy does.
func (h *host) later(action func(context.Context) error) { h.after = append(h.after, action) }

func (h *host) continueRequest([]uint64) uint64  { return h.continueKind(streamRequest) }
func (h *host) continueResponse([]uint64) uint64 { return h.continueKind(streamResponse) }

func (h *host) continueStream(a []uint64) uint64 {
	if a[0] > lastStream {
		return resultBadArgument
	}
	return h.continueKind(a[0])
}

func (h *host) continueKind(kind uint64) uint64 {
	c := h.context()
	if c.stream != nil && kind <= streamResponse {
		// Whichever direction goes on, Envoy no longer shows the request.
		c.stream.request.headersGone, c.stream.request.trailersGone = true, true
	}
	switch s := c.stream; {
	case s != nil && kind == streamRequest && s.request.headers != nil:
		h.later(func(ctx context.Context) error { return s.resume(ctx, &s.request) })
	case s != nil && kind == streamResponse && s.response.headers != nil:
		h.later(func(ctx context.Context) error { return s.resume(ctx, &s.response) })
	case c.connection != nil && kind == streamDownstream:
		h.later(func(context.Context) error { c.connection.downstream.resume(); return nil })
	case c.connection != nil && kind == streamUpstream:
		return resultUnimplemented // Envoy cannot
	default:
		return resultBadArgument
	}
	return resultOK
}

func (h *host) closeStream(a []uint64) uint64 {
	if a[0] > lastStream {
		return resultBadArgument
	}
	c := h.context()
	switch kind := a[0]; {
	case c.stream != nil && (kind == streamRequest || kind == streamResponse):
		h.later(func(context.Context) error { c.stream.reset = true; return nil })
	case c.connection != nil && kind == streamDownstream:
		h.later(func(context.Context) error { c.connection.closed = true; return nil })
	case c.connection != nil && kind == streamUpstream:
		h.later(func(context.Context) error { c.connection.closed = true; return nil })
	default:
		return resultBadArgument
	}
	return resultOK
}

func (h *host) sendLocalResponse(a []uint64) uint64 {
	details, ok := h.text(a[1], a[2])
	body, bodyOK := h.text(a[3], a[4])
	pairs, pairsOK := h.bytes(a[5], a[6])
	if !ok || !bodyOK || !pairsOK {
		return resultInvalidMemory
	}
	h.keep(len(details) + len(body))
	additional := h.pairs(pairs)
	s := h.context().stream
	if s == nil {
		return resultBadArgument
	}
	answer := localAnswer(uint32(a[0]), body, additional)
	s.answered = true
	h.later(func(ctx context.Context) error { return s.answer(ctx, answer) })
	return resultOK
}

// localAnswer returns a response with the headers that Envoy adds.
func localAnswer(status uint32, body string, additional []Header) Message {
	headers := []Header{{":status", strconv.Itoa(int(status))}}
	if body != "" {
		headers = append(headers, Header{"content-length", strconv.Itoa(len(body))}, Header{"content-type", "text/plain"})
	}
	for _, p := range additional {
		if indexHeader(headers, p.Name) >= 0 && p.Name == "content-type" {
			headers = replaceHeader(headers, p)
			continue
		}
		headers = append(headers, p)
	}
	m := Message{Headers: headers}
	if body != "" {
		m.Body = [][]byte{[]byte(body)}
	}
	return m
}

func (h *host) clearRouteCache([]uint64) uint64 { return resultOK }

func (h *host) setEffectiveContext(a []uint64) uint64 {
	id := uint32(a[0])
	if h.state.contexts[id] == nil {
		return resultBadArgument
	}
	h.chosen = id
	return resultOK
}

// done releases a context after its proxy_on_done has said "not yet".
func (h *host) done([]uint64) uint64 { return resultNotFound }
