package xds

import (
	"sync"

	"github.com/wasm-xds/wasm-xds/internal/address"
)

// admission counts the streams. The zero value has counted none. Safe for concurrent use.
type admission struct {
	mu      sync.Mutex
	streams int
	perNode map[nodeKey]int
}

// nodeKey tells Envoys apart: several hosts may have copies of a bootstrap. The zero value names
// no Envoy.
type nodeKey struct{ node, host string }

// keyOf is the key of a node id at a remote address.
func keyOf(id, client string) nodeKey {
	host := address.Host(client)
	if id == "" && host == "" {
		host = "?"
	}
	return nodeKey{id, host}
}

// enter counts a stream, and says whether the count is within the limit.
func (a *admission) enter(most int) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.streams++
	return a.streams <= most
}

// enterNode counts a stream of a known node.
func (a *admission) enterNode(key nodeKey, most int) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.perNode == nil {
		a.perNode = map[nodeKey]int{}
	}
	a.perNode[key]++
	return a.perNode[key] <= most
}

// leave uncounts a stream; key is the zero value if the node was not counted.
func (a *admission) leave(key nodeKey) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.streams--
	if key == (nodeKey{}) {
		return
	}
	if a.perNode[key]--; a.perNode[key] <= 0 {
		delete(a.perNode, key)
	}
}
