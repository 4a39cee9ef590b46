package xds

import (
	"iter"
	"unicode/utf8"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	resourcev3 "github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// The fields of requests that are read before protobuf reads them.
const (
	sotwVersion    = 1
	requestNames   = 3 // in either protocol
	nodeExtensions = 9
	extensionKind  = 2 // Extension.category
)

// layout has the field numbers of a protocol's requests. A field that the protocol lacks is 0.
type layout struct {
	node, typeURL, nonce protowire.Number
	version              protowire.Number // SotW's list of the accepted versions
	listsAll             bool             // each request lists all names
}

// sotwLayout and deltaLayout are the layouts of DiscoveryRequest and DeltaDiscoveryRequest.
func sotwLayout() layout {
	return layout{node: 2, typeURL: 4, nonce: 5, version: sotwVersion, listsAll: true}
}
func deltaLayout() layout { return layout{node: 1, typeURL: 2, nonce: 6} }

// readSotW reads a request apart from the names, which are compared in place: in SotW every ACK
// lists the names, and most streams of a fleet list the same names. knowsNode says that the node
// was read before.
func readSotW(message []byte, knowsNode bool, r *discoveryv3.DiscoveryRequest) error {
	proto.Reset(r)
	return sotwLayout().read(message, knowsNode, r, &r.TypeUrl, &r.ResponseNonce)
}

// readDelta is readSotW for delta.
func readDelta(message []byte, knowsNode bool, r *discoveryv3.DeltaDiscoveryRequest) error {
	proto.Reset(r)
	return deltaLayout().read(message, knowsNode, r, &r.TypeUrl, &r.ResponseNonce)
}

// read reads a request into r, and the type and nonce to the given places.
func (l layout) read(message []byte, knowsNode bool, r proto.Message, typeURL, nonce *string) error {
	if n, ok := l.ack(message, knowsNode); ok {
		*typeURL, *nonce = resourcev3.ExtensionConfigType, n
		return nil
	}
	return l.unmarshal(message, knowsNode, r)
}

// ack reads the most frequent request: an ACK of the response with that nonce, and nothing else of
// interest.
func (l layout) ack(message []byte, knowsNode bool) (nonce string, ok bool) {
	typed := false
	for rest := message; len(rest) > 0; {
		number, kind, value, whole := nextField(rest)
		if whole < 0 || kind != protowire.BytesType {
			return "", false
		}
		switch number {
		case l.typeURL:
			typed = string(value) == resourcev3.ExtensionConfigType
		case l.nonce:
			if !utf8.Valid(value) {
				return "", false
			}
			nonce = string(value)
		case l.version:
		case requestNames:
			if !l.listsAll {
				return "", false
			}
		case l.node:
			if !knowsNode {
				return "", false
			}
		default:
			return "", false
		}
		rest = rest[whole:]
	}
	return nonce, typed && nonce != ""
}

// unmarshal has protobuf read a request without the unused fields: the names, the version_info of
// an answer, and most of the extensions in a node, which are 60 KB of a stream's first request.
// Skipping them takes a tenth of the time, and leaves no garbage.
func (l layout) unmarshal(message []byte, knowsNode bool, r proto.Message) error {
	answers := hasField(message, l.nonce)
	var short []byte
	for rest := message; len(rest) > 0; {
		number, kind, value, whole := nextField(rest)
		if whole < 0 {
			return proto.Unmarshal(message, r) // returns the error
		}
		switch {
		case kind != protowire.BytesType:
			short = append(short, rest[:whole]...)
		case number == requestNames || answers && (number == l.version || number == l.node && knowsNode):
		case number == l.node:
			trimmed, ok := trimNode(value)
			if !ok {
				return proto.Unmarshal(message, r)
			}
			short = protowire.AppendBytes(protowire.AppendTag(short, number, kind), trimmed)
		default:
			short = append(short, rest[:whole]...)
		}
		rest = rest[whole:]
	}
	return proto.Unmarshal(short, r)
}

// namesIn yields the names a request subscribes to, in order.
func namesIn(message []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for len(message) > 0 {
			number, kind, value, whole := nextField(message)
			if whole < 0 || number == requestNames && kind == protowire.BytesType && !yield(value) {
				return
			}
			message = message[whole:]
		}
	}
}

// hasField says whether a message has a field of bytes that is not empty.
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

// trimNode copies a node without the extensions, apart from the Wasm runtimes and the first
// extension. The first extension shows that the Envoy lists its extensions, so a runtime not listed
// is missing.
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
			return true // protobuf will return the error
		}
		if number == extensionKind && kind == protowire.BytesType && string(value) == runtimeCategory {
			return true
		}
		rest = rest[whole:]
	}
	return false
}

// nextField is a message's first field: the value if it is bytes, and the length of the field with
// its tag. A negative length says that the field is malformed.
func nextField(b []byte) (number protowire.Number, kind protowire.Type, value []byte, whole int) {
	// Nearly all fields are short: names, types, nonces.
	if len(b) > 1 && b[0] < 0x80 && b[0]>>3 > 0 && b[0]&7 == byte(protowire.BytesType) && b[1] < 0x80 {
		if whole = 2 + int(b[1]); whole <= len(b) {
			return protowire.Number(b[0] >> 3), protowire.BytesType, b[2:whole], whole
		}
	}
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
