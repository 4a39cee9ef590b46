package host

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

// flow has the host functions that continue, close and answer streams, and choose their contexts.
type flow struct {
	memory   *memory
	budget   *budget
	logs     *logs
	contexts *contexts
	actions  *actions
}

func (f *flow) bind(name string) handler {
	switch name {
	case "proxy_continue_request":
		return func([]uint64) uint64 { return f.resume(streamRequest) }
	case "proxy_continue_response":
		return func([]uint64) uint64 { return f.resume(streamResponse) }
	case "proxy_continue_stream":
		return func(a []uint64) uint64 { return f.resume(a[0]) }
	case "proxy_close_stream":
		return f.close
	case "proxy_send_local_response":
		return f.respond
	case "proxy_set_effective_context":
		return f.choose
	case "proxy_clear_route_cache":
		return func([]uint64) uint64 { return resultOK }
	case "proxy_done":
		// In Envoy, proxy_done releases a context after its proxy_on_done returned false. The
		// sandbox releases each context at once.
		return func([]uint64) uint64 { return resultNotFound }
	default:
		return nil
	}
}

func (f *flow) resume(kind uint64) uint64 {
	if kind > lastStream {
		return resultBadArgument
	}
	c := f.contexts.active()
	x := c.exchange
	if x != nil && kind <= streamResponse {
		// Whichever direction goes on, Envoy no longer shows the request.
		x.request.hide()
	}
	switch {
	case x != nil && kind == streamRequest && x.request.begun():
		f.actions.add(func(ctx context.Context) error { return x.driver.resume(ctx, &x.request) })
	case x != nil && kind == streamResponse && x.response.begun():
		f.actions.add(func(ctx context.Context) error { return x.driver.resume(ctx, &x.response) })
	case c.link != nil && kind == streamDownstream:
		f.actions.add(func(context.Context) error { c.link.downstream.resume(); return nil })
	case c.link != nil && kind == streamUpstream:
		return resultUnimplemented // Envoy cannot
	default:
		return resultBadArgument
	}
	return resultOK
}

func (f *flow) close(a []uint64) uint64 {
	if a[0] > lastStream {
		return resultBadArgument
	}
	c := f.contexts.active()
	switch kind := a[0]; {
	case c.exchange != nil && kind <= streamResponse:
		f.actions.add(func(context.Context) error { c.exchange.end(); return nil })
	case c.link != nil && kind >= streamDownstream:
		f.actions.add(func(context.Context) error { c.link.close(); return nil })
	default:
		return resultBadArgument
	}
	return resultOK
}

func (f *flow) respond(a []uint64) uint64 {
	details, ok := f.memory.text(a[1], a[2])
	body, bodyOK := f.memory.text(a[3], a[4])
	pairs, pairsOK := f.memory.bytes(a[5], a[6])
	if !ok || !bodyOK || !pairsOK {
		return resultInvalidMemory
	}
	f.budget.keep(len(details) + len(body))
	additional := readPairs(pairs, f.logs, f.budget)
	x := f.contexts.active().exchange
	if x == nil {
		return resultBadArgument
	}
	answer := localAnswer(uint32(a[0]), body, additional)
	x.ask()
	f.actions.add(func(ctx context.Context) error { return x.driver.answer(ctx, answer) })
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

func (f *flow) choose(a []uint64) uint64 {
	if !f.contexts.choose(uint32(a[0])) {
		return resultBadArgument
	}
	return resultOK
}
