package server

import (
	"context"
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/cli/view"
)

// listReplicas prints a line for each replica. troubled says whether one is without its ledger, or
// cannot be asked.
func listReplicas(ctx context.Context, l look) (troubled bool, err error) {
	all, err := l.server.Replicas(ctx)
	if err != nil {
		return false, err
	}
	if l.json {
		display.JSON(l.out, all)
	} else {
		view.PrintReplicas(l.out, all)
	}
	return slices.ContainsFunc(all, func(r api.Replica) bool { return r.Error != nil || r.Degraded != nil }), nil
}
