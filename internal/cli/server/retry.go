package server

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/apiclient"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
)

func newRetry() *cobra.Command {
	c := &cobra.Command{
		Use:   "retry NAME [REVISION]",
		Short: "Try a revision again that was refused",
		Long: `Retry has a running server try a filter's revision again that was refused, or whose
canaries were lost: the newest of those, or REVISION, of which the first digits are
enough. wasm-xds history lists them. A refusal else stands for that revision and that
version of Envoy, because the same module is refused again: retry is for a cause
that has passed, such as a lack of memory or of file descriptors.

The server forgets the refusals of the Envoys, and that of the sandbox if the sandbox was the
one that refused. The revision is rolled out as a new one is: a canary of each version
first.`,
		Example: `  wasm-xds retry auth
  wasm-xds retry auth 3f2a --wait 30s`,
		Args:              command.Arguments(1, 2, "the name of a filter"),
		ValidArgsFunction: completeRetry,
	}
	revisionChange{
		change: func(ctx context.Context, server apiclient.Client, args []string) (*api.Filter, error) {
			return server.Retry(ctx, args[0], revisionOf(args))
		},
		wait: waitUntilRetried, print: printChanged,
	}.addTo(c)
	return c
}

// waitUntilRetried waits until the sandbox has tried the revision, and then until every Envoy runs
// the revision.
func waitUntilRetried(ctx context.Context, server apiclient.Client, before *api.Filter, wait time.Duration) (*api.Filter, error) {
	start := time.Now()
	if _, err := server.Sync(ctx, wait); err != nil {
		return before, err
	}
	f, err := server.Filter(ctx, before.Name)
	if err != nil {
		return before, err
	}
	if f.Error != nil && f.Error.Code != api.CodeRolledBack {
		return f, f.Error
	}
	return waitUntilRun(ctx, server, f, max(wait-time.Since(start), time.Millisecond))
}

// completeRetry offers names, and then the filter's refused revisions.
func completeRetry(c *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	return completeRevisions(c, args, toComplete, func(r *api.Revision) bool { return r.Error != nil })
}
