package specs

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/fetch"
	"github.com/wasm-xds/wasm-xds/internal/cli/load"
	"github.com/wasm-xds/wasm-xds/internal/cli/trial"
	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
	"github.com/wasm-xds/wasm-xds/pkg/translate"
)

// checkOptions are the flags of check.
type checkOptions struct {
	mode     examine.Mode
	versions []string // of Envoy, as given
	from     fetch.Flags
	profile  profileFlags
	host     fetch.HostEnv
	output   *string
}

func newCheck() *cobra.Command {
	o := checkOptions{mode: examine.Enforce}
	c := &cobra.Command{
		Use:   "check PATH|oci://BUNDLE...",
		Short: "Check spec files and directories without serving them",
		Long: `Check reads specs, brings their modules (from files, URLs and registries), runs each module in
a sandbox as Envoy would, with its configuration and the spec's tests, and prints
every problem with its place and what to do. It needs no running server and no
Envoy, and changes nothing. It exits with 1 when there is a problem.

With --profile it then sends the requests of each filter's tests through it, again
and again on one VM, and shows what a request costs: time in the filter, calls of host
functions, and memory that goes on growing.`,
		Example: `  wasm-xds check filters/
  wasm-xds check auth.yaml -o json
  wasm-xds check filters/ -o junit > report.xml
  wasm-xds check filters/ --envoy-version 1.36 --envoy-version 1.40
  wasm-xds check auth.yaml --host-env API_TOKEN=test
  wasm-xds check auth.yaml --profile`,
		Args: command.Arguments(1, -1, "a spec file or a directory, or a bundle"),
	}
	o.output = command.OutputFlag(c, "text", "json", "junit")
	command.ChoiceFlag(c, &o.mode, examine.Modes(), "preflight", "`mode` of the sandbox: "+command.List(examine.Modes())+"; warn shows what it finds, enforce makes it an error")
	f := c.Flags()
	f.StringSliceVar(&o.versions, "envoy-version", nil,
		"`version` of Envoy that has to load the modules, several times for several (default any one from "+oldest()+" to "+newest()+")")
	o.from.AddFlags(f)
	o.from.Roots.AddFlags(f)
	o.profile.addFlags(f)
	o.host.AddFlags(f)
	c.RunE = func(c *cobra.Command, args []string) error {
		how, err := o.validate(c)
		if err != nil {
			return err
		}
		return o.run(c, args, how)
	}
	return c
}

// validate returns the configuration of the sandbox.
func (o *checkOptions) validate(c *cobra.Command) (trial.Options, error) {
	versions, err := sandboxVersions(c, o.versions)
	if err == nil {
		err = o.profile.validate(c, o.mode)
	}
	if err != nil {
		return trial.Options{}, err
	}
	if err := o.from.Trust.Validate(); err != nil {
		return trial.Options{}, command.Usage(c, err.Error())
	}
	values, err := o.host.Values()
	if err != nil {
		return trial.Options{}, command.Usage(c, err.Error())
	}
	return trial.Options{Mode: o.mode, Versions: versions, HostEnv: values}, nil
}

func (o *checkOptions) run(c *cobra.Command, paths []string, how trial.Options) error {
	ctx, stderr := c.Context(), c.ErrOrStderr()
	docs, done, err := load.Sources(ctx, paths, &o.from, stderr)
	defer done()
	if err != nil {
		return err
	}
	var result trial.Outcome
	err = load.WithStore(func(store *module.Store) error {
		good, err := docs.Resolve(ctx, store, o.from)
		if err != nil {
			return err
		}
		result, err = trial.Run(ctx, store, good, how)
		if err == nil && o.profile.on {
			err = trial.Profile(ctx, stderr, store, result.Filters, how.Versions, trial.ProfileOptions{Requests: o.profile.requests, Time: o.profile.time})
		}
		return err
	})
	if err != nil {
		return err
	}
	result.Errors = docs.Errors
	if err := trial.Print(c.OutOrStdout(), result, *o.output); err != nil {
		return err
	}
	if !result.OK() {
		return command.ErrReported
	}
	return nil
}

func oldest() string { return envoy.Versions()[0] }

func newest() string { return envoy.Versions()[len(envoy.Versions())-1] }

// sandboxVersions are the versions as the sandbox names them.
func sandboxVersions(c *cobra.Command, versions []string) ([]string, error) {
	var all []string
	for _, text := range versions {
		v, _ := translate.ParseVersion(text) // an unparsable version is unknown, too
		known := fmt.Sprintf("%d.%d", v.Major, v.Minor)
		if !slices.Contains(envoy.Versions(), known) {
			return nil, command.Usage(c, fmt.Sprintf("invalid --envoy-version %q: the sandbox knows %s", text, strings.Join(envoy.Versions(), ", ")))
		}
		if !slices.Contains(all, known) {
			all = append(all, known)
		}
	}
	return all, nil
}
