package preflight

import (
	"context"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// call records a module's call, and gives it a token.
func (h *host) note(c *Call) uint32 {
	h.keep(256)
	h.state.callID++
	c.ID = h.state.callID
	h.state.outgoing = append(h.state.outgoing, c)
	return c.ID
}

// texts reads pairs of address and size.
func (h *host) texts(a []uint64, n int) ([]string, bool) {
	list := make([]string, n)
	for i := range list {
		var ok bool
		if list[i], ok = h.text(a[2*i], a[2*i+1]); !ok {
			return nil, false
		}
		h.keep(len(list[i]))
	}
	return list, true
}

func (h *host) httpCall(a []uint64) uint64 {
	t, ok := h.texts(a, 4)
	if !ok || !h.putU32(a[9], 0) {
		return resultInvalidMemory
	}
	m := Message{Headers: h.pairs([]byte(t[1])), Trailers: h.pairs([]byte(t[3]))}
	for _, name := range []string{":path", ":method", ":authority"} {
		if indexHeader(m.Headers, name) < 0 {
			return resultBadArgument
		}
	}
	if t[2] != "" {
		m.Body = [][]byte{[]byte(t[2])}
	}
	h.putU32(a[9], h.note(&Call{Cluster: t[0], Message: m, Timeout: uint32(a[8])}))
	return resultOK
}

func (h *host) grpcCall(a []uint64) uint64 {
	t, ok := h.texts(a, 5)
	if !ok {
		return resultInvalidMemory
	}
	c := &Call{GRPC: true, Cluster: h.grpcCluster(t[0]), Service: t[1], Method: t[2], Timeout: uint32(a[10])}
	c.Message = Message{Headers: h.pairs([]byte(t[3])), Body: [][]byte{[]byte(t[4])}}
	if !h.putU32(a[11], h.note(c)) {
		return resultInvalidMemory
	}
	return resultOK
}

func (h *host) grpcStream(a []uint64) uint64 {
	t, ok := h.texts(a, 4)
	if !ok {
		return resultInvalidMemory
	}
	c := &Call{GRPC: true, Cluster: h.grpcCluster(t[0]), Service: t[1], Method: t[2], Message: Message{Headers: h.pairs([]byte(t[3]))}}
	if !h.putU32(a[8], h.note(c)) {
		return resultInvalidMemory
	}
	return resultOK
}

// grpcCluster reads a GrpcService. It returns the cluster's name from envoy_grpc (field 1), or the
// target from google_grpc (field 2); both have it in their field 1. Text that is no such message is
// itself a cluster's name. Envoy crashes on a message without either field.
func (h *host) grpcCluster(service string) string {
	text, isMessage := field([]byte(service), 1, 2)
	switch {
	case isMessage && text != nil:
		name, _ := field(text, 1)
		return string(name)
	case isMessage && !isName(service):
		h.stop(h.trapCode(), "the module makes a gRPC call to a service without a target, which crashes Envoy")
	}
	return service
}

func isName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' })
}

// field returns the first of these fields that is a text or a message.
func field(b []byte, numbers ...protowire.Number) (content []byte, isMessage bool) {
	for len(b) > 0 {
		number, kind, tag := protowire.ConsumeTag(b)
		size := protowire.ConsumeFieldValue(number, kind, b[max(tag, 0):])
		if tag < 0 || size < 0 {
			return nil, false
		}
		if content == nil && kind == protowire.BytesType && slices.Contains(numbers, number) {
			content, _ = protowire.ConsumeBytes(b[tag:])
		}
		b = b[tag+size:]
	}
	return content, true
}

func (h *host) grpcFind(token uint64) *Call {
	i := slices.IndexFunc(h.state.outgoing, func(c *Call) bool { return c.GRPC && c.ID == uint32(token) })
	if i < 0 {
		return nil
	}
	return h.state.outgoing[i]
}

func (h *host) grpcEnd(a []uint64) uint64 {
	c := h.grpcFind(a[0])
	if c == nil {
		return resultNotFound
	}
	c.Answered = true
	return resultOK
}

func (h *host) grpcSend(a []uint64) uint64 {
	text, ok := h.text(a[1], a[2])
	if !ok {
		return resultInvalidMemory
	}
	c := h.grpcFind(a[0])
	switch isCall := a[0]&1 == 1; {
	case c == nil && isCall: // Envoy tells a call by its number
		return resultBadArgument
	case c == nil:
		return resultNotFound
	}
	h.keep(len(text))
	c.Message.Body = append(c.Message.Body, []byte(text))
	return resultOK
}

// Calls returns the HTTP and gRPC calls so far, answered or not.
func (vm *VM) Calls() []*Call { return slices.Clone(vm.host.state.outgoing) }

// forgetAnswered drops the finished calls.
func (vm *VM) forgetAnswered() {
	vm.host.state.outgoing = slices.DeleteFunc(vm.host.state.outgoing, func(c *Call) bool { return c.Answered })
}

// Answer gives a call its answer. A stream that waited for the answer goes on.
func (vm *VM) Answer(ctx context.Context, c *Call, a Answer) error {
	h := vm.host
	c.Answered = true
	if a.Failed {
		a.Message = Message{}
	}
	h.state.answer, h.state.status = &a, a.Status
	defer func() { h.state.answer, h.state.status = nil, 0 }()
	size := 0
	for _, chunk := range a.Message.Body {
		size += len(chunk)
	}
	id := uint64(c.ID)
	if !c.GRPC {
		return h.run(ctx, rootContext, "proxy_on_http_call_response",
			rootContext, id, uint64(len(a.Message.Headers)), uint64(size), uint64(len(a.Message.Trailers)))
	}
	if !a.Failed {
		if err := h.run(ctx, rootContext, "proxy_on_grpc_receive", rootContext, id, uint64(size)); err != nil {
			return err
		}
	}
	return h.run(ctx, rootContext, "proxy_on_grpc_close", rootContext, id, uint64(a.Status))
}

// run is [host.callback] for a callback without a result, followed by the actions after it.
func (h *host) run(ctx context.Context, id uint32, name string, args ...uint64) error {
	_, _, err := h.callback(ctx, id, name, args...)
	if err != nil {
		return err
	}
	return h.runAfter(ctx)
}
