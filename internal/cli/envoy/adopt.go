package envoy

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/adopt"
	"github.com/wasm-xds/wasm-xds/internal/bootstrap"
	"github.com/wasm-xds/wasm-xds/internal/cli/adopting"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func newAdopt() *cobra.Command {
	var o adopting.Options
	var filters []string
	var kind spec.Type
	b := &o.Plan.Bootstrap
	c := &cobra.Command{
		Use:   "adopt BOOTSTRAP",
		Short: "Connect an Envoy that you run already",
		Long: `Adopt edits an Envoy's own configuration, YAML or JSON, so that the Envoy takes its Wasm
filters from wasm-xds. Comments, order and anchors stay as they are.

It adds the clusters of the control plane and of the module server, and each --filter
before the router. Wasm filters that stand in the file become specs in --specs, with
their modules, and come over ECDS from then on, in the same places of their chains.
Where another control plane has the ADS stream, each filter gets a stream of its own.

The result is printed, and the file itself stays as it is; --out and --in-place write
it, --diff shows the edits and writes nothing. An Envoy checks the result first, if there
is one on this machine. A file that lds_config names can be adopted like a bootstrap.`,
		Example: `  wasm-xds adopt envoy.yaml --diff
  wasm-xds adopt envoy.yaml --filter auth --out envoy.adopted.yaml
  wasm-xds adopt envoy.yaml --filter auth --before envoy.filters.http.cors --listener public --in-place`,
		Args: command.Arguments(1, 1, "an Envoy bootstrap, or a file with listeners"),
	}
	output := command.OutputFlag(c, "text", "json")
	f := c.Flags()
	f.StringArrayVar(&filters, "filter", nil, "`name` of a filter to add; may be repeated, in the order of the requests")
	command.ChoiceFlag(c, &kind, []spec.Type{spec.HTTP, spec.Network}, "type", "type of the filters to add: http or network (default that of the spec with this name, else http)")
	f.StringVar(&o.Plan.Before, "before", "", "`name` of the filter before which they stand (default the router, or the last filter of a network chain)")
	f.StringArrayVar(&o.Plan.Listeners, "listener", nil, "`name` of a listener to change; may be repeated (default all)")
	f.BoolVar(&o.Plan.Stats, "stats", false, "have the Envoy report its stats to wasm-xds, so that rollouts can watch how a revision does, and the requests that fail because a filter traps")
	f.StringVar(&o.Out, "out", "", "`file` for the result")
	f.BoolVar(&o.InPlace, "in-place", false, "write the result into the file itself")
	f.BoolVar(&o.Diff, "diff", false, "print the edits as a diff, and write nothing")
	f.StringVar(&o.SpecsDir, "specs", "filters", "`directory` of the specs, and for the specs of the filters that stand in the file")
	f.StringVar(&o.Envoy, "envoy", "", "`path` of an Envoy binary that checks the result (default $ENVOY_PATH, the PATH, or .tools/envoy)")
	addServerFlags(f, b)
	f.StringVar(&b.ModulesCluster, "modules-cluster", command.DefaultModulesCluster, "`name` of the cluster for it, as serve has it")
	command.ChoiceFlag(c, &b.Mode, modes(), "mode", "how Envoy asks: "+command.List(modes())+" (default ads-delta, or ecds-delta beside another ADS)")
	f.DurationVar(&b.InitialFetchTimeout, "initial-fetch-timeout", 0, "how long a listener waits for its filters at boot before it opens and answers 500; 0s waits for ever")
	f.StringVar(&b.NodeID, "node-id", "envoy-1", "`id` of an Envoy that has none")
	f.StringVar(&b.NodeCluster, "node-cluster", "envoy", "`name` of the cluster of an Envoy that has none")
	addTLSFlags(f, &b.TLS)
	for _, name := range []string{"filter", "out", "in-place", "diff", "listener", "before", "type", "stats"} {
		command.Action(f, name)
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		o.Path, o.JSON = args[0], *output == "json"
		for _, name := range filters {
			o.Plan.Filters = append(o.Plan.Filters, adopt.Filter{Name: name, Type: kind})
		}
		if err := checkAdopt(c, &o); err != nil {
			return err
		}
		return adopting.Run(c.Context(), o, c.OutOrStdout(), c.ErrOrStderr())
	}
	return c
}

// checkAdopt checks the flags that depend on each other, and the addresses.
func checkAdopt(c *cobra.Command, o *adopting.Options) error {
	b := &o.Plan.Bootstrap
	given := 0
	for _, one := range []bool{o.Out != "", o.InPlace, o.Diff} {
		if one {
			given++
		}
	}
	if given > 1 {
		return command.Usage(c, "--out, --in-place and --diff exclude each other")
	}
	if err := checkServers(c, b); err != nil {
		return err
	}
	if b.InitialFetchTimeout < 0 || b.InitialFetchTimeout > time.Hour {
		return command.Failure(command.CodeUsage, "invalid --initial-fetch-timeout "+b.InitialFetchTimeout.String()+": it is between 0s and 1h", "")
	}
	if err := checkTLS(b, c.ErrOrStderr()); err != nil {
		return err
	}
	var err error
	o.SDS, err = bootstrap.SDSFiles(*b)
	return err
}
