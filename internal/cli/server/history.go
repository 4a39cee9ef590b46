package server

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/apiclient"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/view"
)

func newHistory() *cobra.Command {
	c := &cobra.Command{
		Use:   "history NAME",
		Short: "List the revisions of a filter, and how each of them went",
		Long: `History asks a running server for the revisions of a filter, the newest first: the
revision that is served, the revision that is rolling out, and the revisions of
before. serve --history bounds their number.

SINCE is when a revision became wanted, for the last time, and SERVED for how long
all Envoys had it. OUTCOME says how its rollout went. COMMIT is the commit of the
spec's directory, if the directory is a git checkout; a star marks a spec that
differed from the commit. CHANGED are the keys that differ from the next line, as
config.realm; wasm-xds diff shows the lines. Below the table are the waves of each
rollout, the refusals of Envoys and the actions of users.

A rollback can serve up to ten of the earlier revisions. The others have the state
"recorded", and only the record has them.`,
		Example: `  wasm-xds history auth
  wasm-xds history auth -o json | jq -r '.revisions[].revision'`,
		Args:              command.Arguments(1, 1, "the name of a filter"),
		ValidArgsFunction: completeFilters,
	}
	question[api.History]{
		Ask: func(ctx context.Context, server apiclient.Client, args []string) (*api.History, error) {
			return server.History(ctx, args[0])
		},
		print: view.PrintHistory,
	}.addTo(c)
	return c
}

func newDiff() *cobra.Command {
	c := &cobra.Command{
		Use:   "diff NAME [REVISION [REVISION]]",
		Short: "Show what differs between two revisions of a filter",
		Long: `Diff asks a running server for the difference between two revisions of a filter: the
lines of the spec, the module with its size and imports, and the cost of a request
in the sandbox. Values of configurations and of variables are hidden: a changed one
is marked as another value.

A revision may be given by its first digits. With one revision, diff compares it with
the revision that is served. Without any, diff compares the served revision with the
one that is rolling out, or else the last two.`,
		Example: `  wasm-xds diff auth
  wasm-xds diff auth 0123456789ab ba9876543210`,
		Args: command.Arguments(1, 3, "the name of a filter, and perhaps two revisions"),
		ValidArgsFunction: func(c *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
			return completeRevisions(c, args[:min(len(args), 1)], toComplete, func(*api.Revision) bool { return len(args) < 3 })
		},
	}
	question[api.Diff]{
		Ask: func(ctx context.Context, server apiclient.Client, args []string) (*api.Diff, error) {
			args = append(args, "", "")
			return server.Diff(ctx, args[0], args[1], args[2])
		},
		print: view.PrintDiff,
	}.addTo(c)
	return c
}
