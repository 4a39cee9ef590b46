package server

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/connect"
)

// statusOptions are the flags of status.
type statusOptions struct {
	watch    bool
	wait     time.Duration // 0: do not wait
	revision string        // with wait: the revision to wait for; "": the revisions that the specs describe
	exitCode bool
	nodes    bool
	replicas bool
}

func newStatus() *cobra.Command {
	var o statusOptions
	c := &cobra.Command{
		Use:   "status [NAME]",
		Short: "Show what a running server serves, and what each Envoy runs",
		Long: `Status asks a running server. Without NAME it lists the filters; those that fail,
wait or roll out come first. With NAME it tells the story of that filter: what is
served since when, what is under way, what went wrong last, and the next step. Below
are the facts, with every Envoy that asks for the filter. With --nodes it lists the
Envoys, with NAME those that ask for that filter. With --replicas it lists the control
planes of the fleet; each of them answers for the Envoys of all.

On a terminal the tables fit the width, and have colours unless NO_COLOR is set. With
--watch the view is drawn again in place, on a screen of its own, and stays current
until Ctrl-C. While the server does not answer, its last answer stays, with its time.
Elsewhere --watch prints a line for each change.

It exits with 0 when the server answered. With --exit-code it exits with 1 when
something is wrong: a filter or an Envoy with an error, a broken spec, a directory
that cannot be read.

With --wait the server first reads its specs as they are now. Status then waits
until every Envoy that asks for the filter (without NAME: for any) runs what that
read led to. It exits with 1, and says why, when the spec is refused, when an
Envoy cannot run it, or when the time is over. It exits with 0 also where no
Envoy asks for the filter: "condition" is no_envoy or envoys_gone then. With
--revision it waits until that revision is the one that is served, as "check -o json"
names it, whatever the specs describe at first.`,
		Example: `  wasm-xds status
  wasm-xds status --nodes
  wasm-xds status auth --watch
  wasm-xds status auth --wait 30s     # after a deployment
  wasm-xds status auth --wait 5m --revision 0123456789ab`,
		Args:              command.Arguments(0, 1, "at most one name"),
		ValidArgsFunction: completeFilters,
	}
	f := c.Flags()
	connect.AddFlags(c)
	f.BoolVarP(&o.watch, "watch", "w", false, "show it again whenever something changes")
	f.DurationVar(&o.wait, "wait", 0, "have the specs read, and wait up to this long until all of it is live")
	f.StringVar(&o.revision, "revision", "", "with --wait: wait for this `revision`, or its first digits")
	f.BoolVar(&o.nodes, "nodes", false, "show the Envoys, those that have gone in the last day too")
	f.BoolVar(&o.replicas, "replicas", false, "show the control planes of the fleet, and what waits")
	f.BoolVar(&o.exitCode, "exit-code", false, "exit with 1 when something is wrong")
	command.Action(f, "watch", "wait", "revision", "nodes", "replicas", "exit-code")
	output := command.OutputFlag(c, "text", "json")
	c.RunE = func(c *cobra.Command, args []string) error {
		l := look{json: *output == "json", out: c.OutOrStdout()}
		if len(args) > 0 {
			l.name = args[0]
		}
		var err error
		if l.server, err = connect.Client(c); err != nil {
			return err
		}
		if err := o.validate(c, l.name); err != nil {
			return err
		}
		return o.run(c.Context(), l)
	}
	return c
}

func (o *statusOptions) validate(c *cobra.Command, name string) error {
	switch {
	case o.wait < 0 || (o.wait > 0 && o.watch):
		return command.Usage(c, "--wait takes a positive time, and not together with --watch")
	case o.nodes && (o.wait > 0 || o.watch):
		return command.Usage(c, "--nodes is for a single look: it takes neither --wait nor --watch")
	case o.replicas && (o.wait > 0 || o.watch || o.nodes || name != ""):
		return command.Usage(c, "--replicas is for a single look: it takes no name, and neither --nodes nor --wait nor --watch")
	case o.revision == "":
		return nil
	case o.wait == 0 || name == "":
		return command.Usage(c, "--revision needs the filter's name and --wait")
	case strings.Trim(strings.ToLower(o.revision), "0123456789abcdef") != "":
		return command.Usage(c, fmt.Sprintf("invalid --revision %q: it is 12 hex digits, or the first of them", o.revision))
	}
	return nil
}

func (o *statusOptions) run(ctx context.Context, l look) error {
	var troubled bool
	switch {
	case o.replicas:
		var err error
		if troubled, err = listReplicas(ctx, l); err != nil {
			return err
		}
	case o.nodes:
		var err error
		if troubled, err = listEnvoys(ctx, l); err != nil {
			return err
		}
	case o.watch:
		return watch(ctx, l)
	case o.wait > 0:
		return waitUntilLive(ctx, l, o.wait, o.revision)
	default:
		v, err := l.take(ctx)
		if err != nil {
			return err
		}
		l.print(v)
		troubled = v.Troubled()
	}
	if o.exitCode && troubled {
		return command.ErrReported
	}
	return nil
}
