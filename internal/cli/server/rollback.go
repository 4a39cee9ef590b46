package server

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/apiclient"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/view"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
)

func newRollback() *cobra.Command {
	c := &cobra.Command{
		Use:   "rollback NAME [REVISION]",
		Short: "Serve an earlier revision of a filter again",
		Long: `Rollback has a running server serve an earlier revision of a filter to all Envoys: the
one that was served before this one, or REVISION, of which the first digits are
enough. wasm-xds history lists them. A second rollback without REVISION goes back to
where the first came from.

It holds, over restarts of the server too, for as long as the filter's content is what
it was rolled back from: the next change of the module, the configuration or anything
else in the spec that reaches Envoy ends it, once it has passed the sandbox, and is
rolled out. An edit of comments, tests or rollout does not. The spec itself is not
changed: correct it, too.

With --pin it holds whatever the spec describes, until wasm-xds unpin. REVISION may then
also be the revision that the spec describes now. A freeze of the server does not hold a
rollback.`,
		Example: `  wasm-xds rollback auth
  wasm-xds rollback auth 3f2a --wait 30s
  wasm-xds rollback auth --pin`,
		Args:              command.Arguments(1, 2, "the name of a filter"),
		ValidArgsFunction: completeRollback,
	}
	pin := c.Flags().Bool("pin", false, "hold until wasm-xds unpin, whatever the spec describes")
	command.Action(c.Flags(), "pin")
	revisionChange{
		change: func(ctx context.Context, server apiclient.Client, args []string) (*api.Filter, error) {
			return server.Rollback(ctx, args[0], revisionOf(args), *pin)
		},
		wait: waitUntilRun, print: printRollback,
	}.addTo(c)
	return c
}

func printRollback(w io.Writer, f *api.Filter) {
	printTarget(w, f)
	switch {
	case f.Error == nil:
		fmt.Fprintln(w, "this is what its spec describes: no rollback holds")
	case f.Pinned && f.Error.Code == api.CodeRolledBack:
		fmt.Fprintf(w, "%s; %s\n", terminal.Printable(f.Error.Message), terminal.Printable(f.Error.Hint))
	case f.Error.Code == api.CodeRolledBack:
		fmt.Fprintf(w, "%s; the spec is not changed: the next change of what it describes ends the rollback and is served\n", terminal.Printable(f.Error.Message))
	default:
		view.PrintError(w, f.Name, f.Error)
	}
	printWatchHint(w, f)
}

// completeRollback offers names, and then the possible revisions for a rollback.
func completeRollback(c *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	return completeRevisions(c, args, toComplete, func(r *api.Revision) bool {
		return r.State != api.RevisionActive && r.State != api.RevisionRejected
	})
}
