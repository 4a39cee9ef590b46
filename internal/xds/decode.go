package xds

import (
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
)

// The fields of requests that are looked at before protobuf reads them.
const (
	sotwNode       = 2
	deltaNode      = 1
	nodeExtensions = 9
	extensionKind  = 2 // Extension.category
)

// largeRequest is a size that few requests without a node have.
const largeRequest = 4 << 10

// Unmarshal reads a request without most of the extensions in its node: a thousand
// messages, 60 KB of each stream's first request, of which only the Wasm runtimes are of
// interest. To skip them takes a tenth of the time, and leaves nothing to collect.
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	var node protowire.Number
	switch v.(type) {
	case *discoveryv3.DiscoveryRequest:
		node = sotwNode
	case *discoveryv3.DeltaDiscoveryRequest:
		node = deltaNode
	}
	if node == 0 || data.Len() < largeRequest {
		return c.CodecV2.Unmarshal(data, v)
	}
	whole := data.MaterializeToBuffer(mem.DefaultBufferPool())
	defer whole.Free()
	short, ok := editField(whole.ReadOnlyData(), node, trimNode)
	if !ok {
		return c.CodecV2.Unmarshal(data, v) // which says what is wrong with it
	}
	return c.CodecV2.Unmarshal(mem.BufferSlice{mem.SliceBuffer(short)}, v)
}

// editField copies a message with the value of one of its fields, itself a message,
// replaced wherever it occurs; false: it is not well-formed.
func editField(message []byte, field protowire.Number, edit func([]byte) ([]byte, bool)) ([]byte, bool) {
	var out []byte
	for rest := message; len(rest) > 0; {
		number, kind, value, whole := nextField(rest)
		if whole < 0 {
			return nil, false
		}
		if number == field && kind == protowire.BytesType {
			edited, ok := edit(value)
			if !ok {
				return nil, false
			}
			out = protowire.AppendBytes(protowire.AppendTag(out, field, protowire.BytesType), edited)
		} else {
			out = append(out, rest[:whole]...)
		}
		rest = rest[whole:]
	}
	return out, true
}

// trimNode copies a node without its extensions but for the Wasm runtimes, and the first: a
// node that lists some is known to have no others.
func trimNode(node []byte) ([]byte, bool) {
	var out []byte
	listed := false
	for rest := node; len(rest) > 0; {
		number, kind, value, whole := nextField(rest)
		if whole < 0 {
			return nil, false
		}
		if number != nodeExtensions || kind != protowire.BytesType || !listed || isRuntime(value) {
			out = append(out, rest[:whole]...)
		}
		listed = listed || number == nodeExtensions
		rest = rest[whole:]
	}
	return out, true
}

func isRuntime(extension []byte) bool {
	for rest := extension; len(rest) > 0; {
		number, kind, value, whole := nextField(rest)
		if whole < 0 {
			return true // protobuf will say what is wrong with it
		}
		if number == extensionKind && kind == protowire.BytesType && string(value) == runtimeCategory {
			return true
		}
		rest = rest[whole:]
	}
	return false
}

// nextField is a message's first field: its value where that is bytes, and how long it is
// with its tag, less than 0 where it is not well-formed.
func nextField(b []byte) (number protowire.Number, kind protowire.Type, value []byte, whole int) {
	number, kind, tag := protowire.ConsumeTag(b)
	if tag < 0 {
		return 0, 0, nil, tag
	}
	n := protowire.ConsumeFieldValue(number, kind, b[tag:])
	if n < 0 {
		return 0, 0, nil, n
	}
	if kind == protowire.BytesType {
		value, _ = protowire.ConsumeBytes(b[tag:])
	}
	return number, kind, value, tag + n
}
