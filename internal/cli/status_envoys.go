package cli

import (
	"context"
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// listEnvoys prints a line for each Envoy. troubled says that a filter has an error on one of the
// connected Envoys.
func listEnvoys(ctx context.Context, l look) (troubled bool, err error) {
	nodes, err := l.server.Nodes(ctx, l.name)
	if err != nil {
		return false, err
	}
	if l.json {
		printJSON(l.out, nodes)
	} else {
		printNodes(l.out, envoysOf(nodes))
	}
	return slices.ContainsFunc(nodes, func(n api.Node) bool { return n.State != api.NodeGone && len(failuresOf(&n)) > 0 }), nil
}
