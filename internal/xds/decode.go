package xds

import (
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
)

// The fields of requests that are looked at before protobuf reads them.
const (
	sotwVersion    = 1
	sotwNode       = 2
	sotwNonce      = 5
	deltaNode      = 1
	nodeExtensions = 9
	extensionKind  = 2 // Extension.category
)

// largeRequest is a size that few have but those with a node, or SotW's with many names.
const largeRequest = 1 << 10

// Unmarshal reads a request without most of the extensions in its node: a thousand
// messages, 60 KB of each stream's first request, of which only the Wasm runtimes are of
// interest. To skip them takes a tenth of the time, and leaves nothing to collect. SotW's
// version_info, which names all that was accepted, is of interest in a stream's first request alone.
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	_, sotw := v.(*discoveryv3.DiscoveryRequest)
	_, delta := v.(*discoveryv3.DeltaDiscoveryRequest)
	if !sotw && !delta || data.Len() < largeRequest {
		return c.CodecV2.Unmarshal(data, v)
	}
	whole := data.MaterializeToBuffer(mem.DefaultBufferPool())
	defer whole.Free()
	short, ok := trimRequest(whole.ReadOnlyData(), sotw)
	if !ok {
		return c.CodecV2.Unmarshal(data, v) // which says what is wrong with it
	}
	return c.CodecV2.Unmarshal(mem.BufferSlice{mem.SliceBuffer(short)}, v)
}

// trimRequest copies a request without what is of no interest; false: it is not well-formed.
func trimRequest(request []byte, sotw bool) ([]byte, bool) {
	node, answers := protowire.Number(deltaNode), false
	if sotw {
		node, answers = sotwNode, hasField(request, sotwNonce)
	}
	var out []byte
	for rest := request; len(rest) > 0; {
		number, kind, value, whole := nextField(rest)
		switch {
		case whole < 0:
			return nil, false
		case kind != protowire.BytesType:
			out = append(out, rest[:whole]...)
		case number == node:
			trimmed, ok := trimNode(value)
			if !ok {
				return nil, false
			}
			out = protowire.AppendBytes(protowire.AppendTag(out, node, protowire.BytesType), trimmed)
		case answers && number == sotwVersion:
		default:
			out = append(out, rest[:whole]...)
		}
		rest = rest[whole:]
	}
	return out, true
}

// hasField says whether a message has a field with some bytes in it.
func hasField(message []byte, field protowire.Number) bool {
	for rest := message; len(rest) > 0; {
		number, kind, value, whole := nextField(rest)
		if whole < 0 {
			return false
		}
		if number == field && kind == protowire.BytesType && len(value) > 0 {
			return true
		}
		rest = rest[whole:]
	}
	return false
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
