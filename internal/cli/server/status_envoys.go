package server

import (
	"context"
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/cli/view"
)

// listEnvoys prints a line for each Envoy. troubled says whether a filter has an error on a
// connected Envoy.
func listEnvoys(ctx context.Context, l look) (troubled bool, err error) {
	nodes, err := l.server.Nodes(ctx, l.name)
	if err != nil {
		return false, err
	}
	if l.json {
		display.JSON(l.out, nodes)
	} else {
		view.PrintNodes(l.out, view.EnvoysOf(nodes))
	}
	return slices.ContainsFunc(nodes, func(n api.Node) bool { return n.State != api.NodeGone && len(view.FailuresOf(&n)) > 0 }), nil
}
