package wire

import "google.golang.org/protobuf/encoding/protowire"

// RuntimeCategory is the extension category in which an Envoy lists its Wasm runtimes.
const RuntimeCategory = "envoy.wasm.runtime"

// The fields of Node and Extension.
const (
	nodeID         = 1
	nodeCluster    = 2
	nodeExtensions = 9
	extensionKind  = 2 // Extension.category
)

// nodeIn returns the id and the cluster of the node in that field of a request.
func nodeIn(message []byte, field protowire.Number) (id, cluster string) {
	eachBytes(message, func(number protowire.Number, node []byte) {
		if number != field {
			return
		}
		eachBytes(node, func(number protowire.Number, value []byte) {
			switch number {
			case nodeID:
				id = string(value)
			case nodeCluster:
				cluster = string(value)
			}
		})
	})
	return id, cluster
}

// trimNode copies a node without the extensions, apart from the Wasm runtimes and the first
// extension. The first extension shows the Envoy lists its extensions, so a runtime not listed
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
		if number == extensionKind && kind == protowire.BytesType && string(value) == RuntimeCategory {
			return true
		}
		rest = rest[whole:]
	}
	return false
}
