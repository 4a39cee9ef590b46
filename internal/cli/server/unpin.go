package server

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/apiclient"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
)

func newUnpin() *cobra.Command {
	c := &cobra.Command{
		Use:   "unpin NAME",
		Short: "End a rollback: serve what the spec describes",
		Long: `Unpin ends the rollback of a filter, pinned or not. What the spec describes is rolled out,
as an edit is; a revision that all Envoys ran before goes to all as soon as it loads.`,
		Example:           `  wasm-xds unpin auth --wait 30s`,
		Args:              command.Arguments(1, 1, "the name of a filter"),
		ValidArgsFunction: completeFilters,
	}
	revisionChange{
		change: func(ctx context.Context, server apiclient.Client, args []string) (*api.Filter, error) {
			return server.Unpin(ctx, args[0])
		},
		wait: waitUntilRun, print: printChanged,
	}.addTo(c)
	return c
}
