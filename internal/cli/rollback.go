package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/api"
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
changed: correct it, too.`,
		Example: `  wasm-xds rollback auth
  wasm-xds rollback auth 3f2a --wait 30s`,
		Args:              arguments(1, 2, "the name of a filter"),
		ValidArgsFunction: completeRollback,
	}
	revisionChange{
		change: func(ctx context.Context, server client, args []string) (*api.Filter, error) {
			return server.rollBack(ctx, args[0], revisionOf(args))
		},
		wait: client.waitUntilRun, print: printRollback,
	}.addTo(c)
	return c
}

// rollBack returns the filter right after the rollback.
func (c client) rollBack(ctx context.Context, name, revision string) (*api.Filter, error) {
	f := &api.Filter{}
	return f, c.post(ctx, filterPath(name)+"/rollback", map[string]string{"revision": revision}, f)
}

// target is the revision that all Envoys are to run.
func target(f *api.Filter) string {
	if f.Candidate != "" {
		return f.Candidate
	}
	return f.Revision
}

// waitUntilRun waits until every Envoy that asks for the filter runs the target of before, and
// returns the filter at that moment.
func (c client) waitUntilRun(ctx context.Context, before *api.Filter, wait time.Duration) (*api.Filter, error) {
	limit, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	last, wanted := before, target(before)
	err := c.onChange(limit, func() error {
		var f api.Filter
		if err := c.get(limit, filterPath(before.Name), &f); err != nil {
			return err
		}
		last = &f
		live, total := running(&f, wanted)
		switch {
		case f.Revision == wanted && (live == total || f.Disabled):
			return errSettled
		case target(&f) == wanted:
			return nil
		case f.Error != nil && f.Error.Code != api.CodeRolledBack: // an Envoy has refused the revision
			return f.Error
		default:
			return failure("superseded", fmt.Sprintf("revision %s is not what is to be served any more: %s is", wanted, target(&f)),
				"something else has changed the filter meanwhile: see wasm-xds history "+f.Name)
		}
	})
	switch {
	case errors.Is(err, errSettled):
		return last, nil
	case limit.Err() != nil && ctx.Err() == nil:
		return last, failure("not_live", fmt.Sprintf("not every Envoy runs revision %s after %s", wanted, wait), "see wasm-xds status "+before.Name)
	default:
		return last, err
	}
}

// running is how many Envoys run a revision, and how many ask for the filter.
func running(f *api.Filter, revision string) (live, total int) {
	n := api.CountEnvoys(f.Subscribers, func(s *api.Subscriber) bool {
		return s.State == api.SubscriberLive && s.Revision == revision
	})
	return n.Live, n.Total
}

func printRollback(w io.Writer, f *api.Filter) {
	printTarget(w, f)
	switch {
	case f.Error == nil:
		fmt.Fprintln(w, "this is what its spec describes: no rollback holds")
	case f.Error.Code == api.CodeRolledBack:
		fmt.Fprintf(w, "%s; the spec is not changed: the next change of what it describes ends the rollback and is served\n", terminal.Printable(f.Error.Message))
	default:
		printError(w, f.Name, f.Error)
	}
	printWatchHint(w, f)
}

// completeRollback offers names, and then the revisions that a rollback can serve.
func completeRollback(c *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
	return completeRevisions(c, args, toComplete, func(r *api.Revision) bool {
		return r.State != api.RevisionActive && r.State != api.RevisionRejected
	})
}

// completeRevisions offers names of filters, and then the wanted revisions of the filter.
func completeRevisions(c *cobra.Command, args []string, toComplete string, wanted func(*api.Revision) bool) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return completeFilters(c, args, toComplete)
	}
	if len(args) > 1 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var h api.History
	askForCompletion(c, func(ctx context.Context, server client) error {
		return server.get(ctx, filterPath(args[0])+"/history", &h)
	})
	var revisions []string
	for i := range h.Revisions {
		if r := &h.Revisions[i]; wanted(r) {
			revisions = append(revisions, cobra.CompletionWithDesc(r.Revision, string(r.State)))
		}
	}
	return revisions, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}
