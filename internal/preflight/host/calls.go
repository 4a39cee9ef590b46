package host

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// Call is an HTTP or gRPC call of a module.
type Call struct {
	ID       uint32
	GRPC     bool
	Cluster  string // for gRPC, from the service message
	Service  string // gRPC only
	Method   string // gRPC only
	Message  Message
	Timeout  uint32 // milliseconds
	Answered bool
}

// perCall is the size of a call beside the content.
const perCall = 256

// calls are the host functions for HTTP and gRPC calls, and the calls of the module.
type calls struct {
	memory  *memory
	budget  *budget
	logs    *logs
	at      *progress
	answers *answers
	made    []*Call // answered or not
	lastID  uint32
}

func (c *calls) bind(name string) handler {
	switch name {
	case "proxy_http_call":
		return c.http
	case "proxy_grpc_call":
		return c.grpc
	case "proxy_grpc_stream":
		return c.grpcStream
	case "proxy_grpc_close", "proxy_grpc_cancel":
		return c.grpcEnd
	case "proxy_grpc_send":
		return c.grpcSend
	case "proxy_get_status":
		return c.status
	default:
		return nil
	}
}

// all returns the calls so far.
func (c *calls) all() []*Call { return slices.Clone(c.made) }

// forgetAnswered drops the finished calls.
func (c *calls) forgetAnswered() {
	c.made = slices.DeleteFunc(c.made, func(one *Call) bool { return one.Answered })
}

// add records a call and returns the token.
func (c *calls) add(one *Call) uint32 {
	c.budget.keep(perCall)
	c.lastID++
	one.ID = c.lastID
	c.made = append(c.made, one)
	return one.ID
}

// texts reads pairs of address and size.
func (c *calls) texts(a []uint64, n int) ([]string, bool) {
	list := make([]string, n)
	for i := range list {
		var ok bool
		if list[i], ok = c.memory.text(a[2*i], a[2*i+1]); !ok {
			return nil, false
		}
		c.budget.keep(len(list[i]))
	}
	return list, true
}

func (c *calls) pairs(text string) []Header { return readPairs([]byte(text), c.logs, c.budget) }

func (c *calls) http(a []uint64) uint64 {
	t, ok := c.texts(a, 4)
	if !ok || !c.memory.putU32(a[9], 0) {
		return resultInvalidMemory
	}
	m := Message{Headers: c.pairs(t[1]), Trailers: c.pairs(t[3])}
	for _, name := range []string{":path", ":method", ":authority"} {
		if indexHeader(m.Headers, name) < 0 {
			return resultBadArgument
		}
	}
	if t[2] != "" {
		m.Body = [][]byte{[]byte(t[2])}
	}
	c.memory.putU32(a[9], c.add(&Call{Cluster: t[0], Message: m, Timeout: uint32(a[8])}))
	return resultOK
}

func (c *calls) grpc(a []uint64) uint64 {
	t, ok := c.texts(a, 5)
	if !ok {
		return resultInvalidMemory
	}
	one := &Call{GRPC: true, Cluster: c.grpcCluster(t[0]), Service: t[1], Method: t[2], Timeout: uint32(a[10])}
	one.Message = Message{Headers: c.pairs(t[3]), Body: [][]byte{[]byte(t[4])}}
	if !c.memory.putU32(a[11], c.add(one)) {
		return resultInvalidMemory
	}
	return resultOK
}

func (c *calls) grpcStream(a []uint64) uint64 {
	t, ok := c.texts(a, 4)
	if !ok {
		return resultInvalidMemory
	}
	one := &Call{GRPC: true, Cluster: c.grpcCluster(t[0]), Service: t[1], Method: t[2], Message: Message{Headers: c.pairs(t[3])}}
	if !c.memory.putU32(a[8], c.add(one)) {
		return resultInvalidMemory
	}
	return resultOK
}

// grpcCluster reads a GrpcService. It returns the cluster's name from envoy_grpc (field 1), or the
// target from google_grpc (field 2); both have it in their field 1. Text that is no such message is
// itself a cluster's name. Envoy crashes on a message without either field.
func (c *calls) grpcCluster(service string) string {
	text, isMessage := field([]byte(service), 1, 2)
	switch {
	case isMessage && text != nil:
		name, _ := field(text, 1)
		return string(name)
	case isMessage && !isName(service):
		c.at.stop(c.at.trapCode(), "the module makes a gRPC call to a service without a target, which crashes Envoy")
	}
	return service
}

func isName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' })
}

// field returns the first text or message among these fields.
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

func (c *calls) grpcFind(token uint64) *Call {
	i := slices.IndexFunc(c.made, func(one *Call) bool { return one.GRPC && one.ID == uint32(token) })
	if i < 0 {
		return nil
	}
	return c.made[i]
}

func (c *calls) grpcEnd(a []uint64) uint64 {
	one := c.grpcFind(a[0])
	if one == nil {
		return resultNotFound
	}
	one.Answered = true
	return resultOK
}

func (c *calls) grpcSend(a []uint64) uint64 {
	text, ok := c.memory.text(a[1], a[2])
	if !ok {
		return resultInvalidMemory
	}
	one := c.grpcFind(a[0])
	switch isCall := a[0]&1 == 1; {
	case one == nil && isCall: // Envoy tells a call by its number
		return resultBadArgument
	case one == nil:
		return resultNotFound
	}
	c.budget.keep(len(text))
	one.Message.Body = append(one.Message.Body, []byte(text))
	return resultOK
}

// status gives the module the gRPC status of the current answer, and no message.
func (c *calls) status(a []uint64) uint64 {
	if !c.memory.putU32(a[0], c.answers.status()) {
		return resultInvalidMemory
	}
	return c.memory.give(nil, a[1], a[2])
}
