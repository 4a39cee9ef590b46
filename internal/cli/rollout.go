package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
)

func newRollout() *cobra.Command {
	c := &cobra.Command{
		Use:   "rollout COMMAND NAME",
		Short: "Steer the rollout of a filter's newest revision",
		Long: `Rollout steers how a filter's newest revision gets to all Envoys. wasm-xds status NAME
shows how far it is, and for whom it waits.`,
		Example: `  wasm-xds rollout promote auth`,
		Args:    noSuchCommand,
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
		Args:              arguments(1, 1, "the name of a filter"),
		ValidArgsFunction: completeFilters,
	}
	revisionChange{
		change: func(ctx context.Context, server client, args []string) (*api.Filter, error) {
			f := &api.Filter{}
			return f, server.post(ctx, filterPath(args[0])+"/promote", struct{}{}, f)
		},
		wait: client.waitUntilRun, print: printChanged,
	}.addTo(c)
	return c
}

// revisionChange is a command that changes the revision of a filter. It prints the filter after
// the change, and with --wait waits until the Envoys run the revision.
type revisionChange struct {
	change func(context.Context, client, []string) (*api.Filter, error)
	wait   func(client, context.Context, *api.Filter, time.Duration) (*api.Filter, error)
	print  func(io.Writer, *api.Filter)
}

func (r revisionChange) addTo(c *cobra.Command) {
	address := adminAddressFlag(c)
	limit := c.Flags().Duration("wait", 0, "wait up to this long until every Envoy that asks for the filter runs it")
	action(c.Flags(), "wait")
	output := outputFlag(c, "text", "json")
	c.RunE = func(c *cobra.Command, args []string) error {
		server, err := serverAt(c, *address)
		if err != nil {
			return err
		}
		if *limit < 0 {
			return usage(c, "--wait takes a positive time")
		}
		if len(args) > 1 && args[1] == "" {
			return usage(c, "REVISION is empty")
		}
		f, err := r.change(c.Context(), server, args)
		if err != nil {
			return err
		}
		var late error
		if *limit > 0 {
			f, late = r.wait(server, c.Context(), f, *limit)
		}
		if f != nil {
			if *output == "json" {
				printJSON(c.OutOrStdout(), f)
			} else {
				r.print(c.OutOrStdout(), f)
			}
		}
		return late
	}
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
		printError(w, f.Name, f.Error)
	}
	printWatchHint(w, f)
}

// printTarget prints the revision that all Envoys are to run, and its progress.
func printTarget(w io.Writer, f *api.Filter) {
	name, revision := terminal.Printable(f.Name), terminal.Printable(target(f))
	live, total := running(f, target(f))
	switch {
	case f.Disabled:
		fmt.Fprintf(w, "filter %s: revision %s is to be served, but the filter is disabled: everything passes\n", name, revision)
	case total == 0:
		fmt.Fprintf(w, "filter %s: revision %s is served; no Envoy asks for it now\n", name, revision)
	case f.Candidate != "":
		until := "until then requests meet a stand-in"
		if f.Revision != target(f) {
			until = "until then they run " + terminal.Printable(f.Revision)
		}
		fmt.Fprintf(w, "filter %s: revision %s is rolling out, and runs on %d of %s; %s\n", name, revision, live, plural(total, "Envoy"), until)
	default:
		fmt.Fprintf(w, "filter %s: revision %s is served, and runs on %d of %s\n", name, revision, live, plural(total, "Envoy"))
	}
	if f.Revision == target(f) && f.Module.SHA256 != "" {
		fmt.Fprintf(w, "module: %s, %s\n", terminal.Printable(moduleName(f.Module)), byteCount(f.Module.Size))
	}
	printWaits(w, f)
}

// printWaits prints the Envoys that a filter's rollout waits for.
func printWaits(w io.Writer, f *api.Filter) {
	if f.RolloutStatus == nil {
		return
	}
	for i := range f.RolloutStatus.WaitsFor {
		fmt.Fprintf(w, "  it waits: %s\n", terminal.Printable(f.RolloutStatus.WaitsFor[i].Message))
	}
}

// printWatchHint prints how to follow the rollout while some Envoys do not run the revision.
func printWatchHint(w io.Writer, f *api.Filter) {
	if live, total := running(f, target(f)); live < total && !f.Disabled {
		fmt.Fprintf(w, "  hint: `wasm-xds status %s --watch` shows how it goes\n", terminal.Printable(f.Name))
	}
}
