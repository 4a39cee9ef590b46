package server

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/apiclient"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
)

func newRollout() *cobra.Command {
	c := &cobra.Command{
		Use:   "rollout COMMAND NAME",
		Short: "Steer the rollout of a filter's newest revision",
		Long: `Rollout steers how a filter's newest revision gets to all Envoys. wasm-xds status NAME
shows how far it is, and for whom it waits.`,
		Example: `  wasm-xds rollout promote auth`,
		Args:    command.NoSuchCommand,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newPromote())
	return c
}

func newPromote() *cobra.Command {
	c := &cobra.Command{
		Use:   "promote NAME",
		Short: "Go on with a rollout that waits for its canaries",
		Long: `Promote has the rollout of a filter's newest revision go on without what it waits for: a
canary that the spec's rollout.canary names and that is not connected, one that
does not answer, or one that was lost. One Envoy of each version still gets the
revision before the others do, and a refusal still stops the rollout.

It holds for this revision, over restarts of the server too. A rollout that has
stopped is not promoted: see wasm-xds retry.`,
		Example: `  wasm-xds rollout promote auth
  wasm-xds rollout promote auth --wait 30s`,
		Args:              command.Arguments(1, 1, "the name of a filter"),
		ValidArgsFunction: completeFilters,
	}
	revisionChange{
		change: func(ctx context.Context, server apiclient.Client, args []string) (*api.Filter, error) {
			return server.Promote(ctx, args[0])
		},
		wait: waitUntilRun, print: printChanged,
	}.addTo(c)
	return c
}
