package server

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/apiclient"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/cli/view"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
)

// revisionChange is a command to change the revision of a filter. The command prints the filter
// after the change, and with --wait waits until the Envoys run the revision.
type revisionChange struct {
	change func(ctx context.Context, server apiclient.Client, args []string) (*api.Filter, error)
	// wait returns the filter at the end of the wait, also with an error.
	wait  func(ctx context.Context, server apiclient.Client, f *api.Filter, limit time.Duration) (*api.Filter, error)
	print func(io.Writer, *api.Filter)
}

func (r revisionChange) addTo(c *cobra.Command) {
	wait := c.Flags().Duration("wait", 0, "wait up to this long until every Envoy that asks for the filter runs it")
	command.Action(c.Flags(), "wait")
	question[api.Filter]{
		Ask: func(ctx context.Context, server apiclient.Client, args []string) (*api.Filter, error) {
			if *wait < 0 {
				return nil, command.Usage(c, "--wait takes a positive time")
			}
			if len(args) > 1 && args[1] == "" {
				return nil, command.Usage(c, "REVISION is empty")
			}
			f, err := r.change(ctx, server, args)
			if err != nil || *wait == 0 {
				return f, err
			}
			return r.wait(ctx, server, f, *wait)
		},
		print: r.print,
	}.addTo(c)
}

// addSteer completes a command that steers the rollout of the filter NAME.
func addSteer(c *cobra.Command, do func(apiclient.Client, context.Context, string) (*api.Filter, error)) *cobra.Command {
	c.Args = command.Arguments(1, 1, "the name of a filter")
	c.ValidArgsFunction = completeFilters
	revisionChange{
		change: func(ctx context.Context, server apiclient.Client, args []string) (*api.Filter, error) {
			return do(server, ctx, args[0])
		},
		wait: waitUntilRun, print: printChanged,
	}.addTo(c)
	return c
}

// revisionOf is the REVISION of NAME [REVISION]; "": none is given.
func revisionOf(args []string) string {
	if len(args) < 2 {
		return ""
	}
	return args[1]
}

// printChanged prints the progress of a filter's revision.
func printChanged(w io.Writer, f *api.Filter) {
	printTarget(w, f)
	if f.Error != nil {
		view.PrintError(w, f.Name, f.Error)
	}
	printWatchHint(w, f)
}

// printTarget prints the target revision for all Envoys, and the progress.
func printTarget(w io.Writer, f *api.Filter) {
	name, revision := terminal.Printable(f.Name), terminal.Printable(view.Target(f))
	live, total := running(f, view.Target(f))
	switch {
	case f.Disabled:
		fmt.Fprintf(w, "filter %s: revision %s is to be served, but the filter is disabled: everything passes\n", name, revision)
	case total == 0:
		fmt.Fprintf(w, "filter %s: revision %s is served; no Envoy asks for it now\n", name, revision)
	case f.Candidate != "":
		others := "requests through Envoys without it meet a stand-in"
		if f.Revision != view.Target(f) {
			others = "Envoys without it run " + terminal.Printable(f.Revision)
		}
		fmt.Fprintf(w, "filter %s: revision %s %s, and runs on %d of %s; %s\n", name, revision, progressOf(f.RolloutStatus), live, display.Plural(total, "Envoy"), others)
	default:
		fmt.Fprintf(w, "filter %s: revision %s is served, and runs on %d of %s\n", name, revision, live, display.Plural(total, "Envoy"))
	}
	if f.Revision == view.Target(f) && f.Module.SHA256 != "" {
		fmt.Fprintf(w, "module: %s, %s\n", terminal.Printable(view.ModuleName(f.Module)), display.Bytes(f.Module.Size))
	}
	view.PrintWaits(w, f)
}

// progressOf says whether the rollout of a revision goes on.
func progressOf(r *api.RolloutStatus) string {
	switch {
	case r == nil:
		return "is rolling out"
	case r.Frozen != nil:
		return "is frozen with all rollouts of the server"
	case r.Paused == nil:
		return "is rolling out"
	case r.Paused.By == "spec":
		return "is paused by its spec"
	default:
		return "is paused"
	}
}

// printWatchHint prints how to go on with a rollout that is held, and how to follow any other while
// some Envoys do not run the revision.
func printWatchHint(w io.Writer, f *api.Filter) {
	name, r := terminal.Printable(f.Name), f.RolloutStatus
	live, total := running(f, view.Target(f))
	switch {
	case live == total || f.Disabled:
	case r != nil && r.Frozen != nil:
		fmt.Fprintln(w, "  hint: `wasm-xds freeze off` lets rollouts go on")
	case r != nil && r.Paused != nil:
		fmt.Fprintf(w, "  hint: %s goes on, and `wasm-xds rollout abort %s` goes back\n", view.Onward(f), name)
	default:
		fmt.Fprintf(w, "  hint: `wasm-xds status %s --watch` shows how it goes\n", name)
	}
}

// waitUntilRun waits until every Envoy asking for the filter runs the target of before, and then
// returns the filter.
func waitUntilRun(ctx context.Context, server apiclient.Client, before *api.Filter, wait time.Duration) (*api.Filter, error) {
	limit, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	last, wanted := before, view.Target(before)
	err := server.OnChange(limit, func() (bool, error) {
		f, err := server.Filter(limit, before.Name)
		if err != nil {
			return false, err
		}
		last = f
		live, total := running(f, wanted)
		switch {
		case f.Revision == wanted && (live == total || f.Disabled):
			return true, nil
		case view.Target(f) == wanted:
			return false, nil
		case f.Error != nil && f.Error.Code != api.CodeRolledBack: // an Envoy has refused the revision
			return false, f.Error
		default:
			return false, command.Failure("superseded", fmt.Sprintf("revision %s is not what is to be served any more: %s is", wanted, view.Target(f)),
				"something else has changed the filter meanwhile: see wasm-xds history "+f.Name)
		}
	})
	switch {
	case err == nil:
		return last, nil
	case limit.Err() != nil && ctx.Err() == nil:
		return last, command.Failure("not_live", fmt.Sprintf("not every Envoy runs revision %s after %s", wanted, wait), "see wasm-xds status "+before.Name)
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
