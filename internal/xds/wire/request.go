package wire

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
	sotwVersion  = 1
	requestNames = 3 // in either protocol
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

// ReadSotW reads a request apart from the names, for which there is [Names]: in SotW every ACK
// lists the names, and most streams of a fleet list the same names. knowsNode says the node
// was read before. Of a node's extensions, r gets the Wasm runtimes and the first extension. Of an
// answer, r gets neither the version_info nor a known node.
func ReadSotW(message []byte, knowsNode bool, r *discoveryv3.DiscoveryRequest) error {
	proto.Reset(r)
	return sotwLayout().read(message, knowsNode, r, &r.TypeUrl, &r.ResponseNonce)
}

// ReadDelta is [ReadSotW] for delta.
func ReadDelta(message []byte, knowsNode bool, r *discoveryv3.DeltaDiscoveryRequest) error {
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

// NodeInSotW returns the id and the cluster of the node in a request. Several nodes in a request
// are one, as protobuf merges them. Without a node, and in a malformed request, they are "".
func NodeInSotW(message []byte) (id, cluster string) { return nodeIn(message, sotwLayout().node) }

// NodeInDelta is [NodeInSotW] for delta.
func NodeInDelta(message []byte) (id, cluster string) { return nodeIn(message, deltaLayout().node) }

// NodeInIdentifier is [NodeInSotW] for the identifier of a stream of stats or access logs.
func NodeInIdentifier(identifier []byte) (id, cluster string) { return nodeIn(identifier, 1) }

// Names yields the names a request of either protocol subscribes to, in order. A name is a part of
// the message. Names stops at a malformed field.
func Names(message []byte) iter.Seq[[]byte] {
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
