package delivery

import (
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/delivery/reach"
)

// StreamID names one xDS stream for the life of the process.
type StreamID uint64

// Node is an Envoy's description of itself when a stream opens.
type Node struct {
	ID, Cluster string
	Metadata    map[string]string
	Address     string // the remote address of the connection
	Host        string // the host that the Envoy counts for in the budgets
	Version     string // Envoy's version; "": not known
	// Runtimes are the Wasm runtimes built into the Envoy; nil: not known.
	Runtimes []string

	// Certificate is the key of the names in the client's certificate, and Identity is the name by
	// which the client is known. "": clients are not identified.
	Certificate, Identity string
	// Access says which filters the client may have; nil: all.
	Access Access
}

// Access says which filters a client may have. An Access never changes.
type Access interface {
	Allows(filter string) bool
}

// mayHave says whether the client may have the filter of that name.
func (n Node) mayHave(filter string) bool { return n.Access == nil || n.Access.Allows(filter) }

// runtimeOf is the runtime for a stand-in: the first known runtime that the Envoy has.
func (n Node) runtimeOf() string {
	known := []string{"envoy.wasm.runtime.v8", "envoy.wasm.runtime.wamr", "envoy.wasm.runtime.wasmtime"}
	if n.Runtimes != nil {
		for _, r := range known {
			if slices.Contains(n.Runtimes, r) {
				return r
			}
		}
		return ""
	}
	return known[0]
}

func (n Node) hasRuntime(runtime string) bool {
	return n.Runtimes == nil || slices.Contains(n.Runtimes, runtime)
}

// envoy names the node across its connections.
func (n Node) envoy() reach.Envoy {
	host := n.Address
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		host = host[:i]
	}
	return reach.Envoy{Node: n.ID, Host: host}
}
