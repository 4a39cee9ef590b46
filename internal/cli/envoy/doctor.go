package envoy

import (
	"net"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/connect"
	"github.com/wasm-xds/wasm-xds/internal/cli/load"
	"github.com/wasm-xds/wasm-xds/internal/doctor"
	"github.com/wasm-xds/wasm-xds/internal/doctor/dial"
	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
)

func newDoctor() *cobra.Command {
	var o doctorFlags
	c := &cobra.Command{
		Use:   "doctor [BOOTSTRAP]",
		Short: "Find what keeps an Envoy's configuration from working with wasm-xds",
		Long: `Doctor reads an Envoy configuration, YAML or JSON, and the files of listeners and
clusters that it names. It prints each problem with its place, the next step, and the
change that mends it as a diff. Most of these problems are silent: Envoy takes the
configuration, and waits. With the specs, doctor compares the names of the filters, too.

With --server, doctor reaches the control plane and its module server from here as that
Envoy would: at the addresses of the clusters, with their files of TLS and the node. It
asks for no filter, so no rollout notices. The names of the specs come from the API,
whose address may follow: --server=https://control:18002, or --admin-address.

With --envoy, doctor asks a running Envoy through its admin address. It looks at the
configuration that Envoy runs, at its connections, and at the filters that have come,
and compares them with the status of the control plane.

Nothing is changed. Doctor exits with 0 if it finds nothing, and with 1 after any
finding, a warning too. Notes on standard error say what requests meet while Envoy
starts.`,
		Example: `  wasm-xds doctor /etc/envoy/envoy.yaml
  wasm-xds doctor envoy.yaml --specs filters/
  wasm-xds doctor envoy.yaml --server
  wasm-xds doctor --envoy http://127.0.0.1:9901
  wasm-xds doctor envoy.yaml -o json | jq -r '.findings[].code'`,
		Args: command.Arguments(0, 2, "an Envoy bootstrap"),
	}
	f := c.Flags()
	f.StringVar(&o.specs, "specs", "", "`directory` of the specs, or a spec file, to compare the names of filters")
	f.StringVar(&o.modulesCluster, "modules-cluster", command.DefaultModulesCluster, "`name` of the cluster with the module server, as serve has it")
	f.StringVar(&o.envoy, "envoy", "", "admin `address` of a running Envoy, as in http://127.0.0.1:9901")
	command.Action(f, "envoy") // the variable has the path of a binary, for dev and adopt
	f.StringVar(&o.server, "server", "", "reach the control plane as that Envoy would; the `address` of its API may follow")
	f.Lookup("server").NoOptDefVal = ofContext
	o.output = command.OutputFlag(c, "text", "json")
	connect.AddFlags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		path, err := o.arguments(c, args)
		if err != nil {
			return err
		}
		return o.run(c, path)
	}
	return c
}

// arguments returns the path of the bootstrap; "": only a running Envoy is asked. The address of
// --server may stand behind a blank, where it looks like an argument.
func (o *doctorFlags) arguments(c *cobra.Command, args []string) (path string, err error) {
	for i, arg := range args {
		if o.server == ofContext && isAddress(arg) {
			o.server = arg
			args = append(args[:i:i], args[i+1:]...)
			break
		}
	}
	if o.server != "" && o.server != ofContext {
		if err := c.Flags().Set("admin-address", o.server); err != nil {
			return "", err
		}
	}
	switch {
	case len(args) == 1:
		return args[0], nil
	case len(args) > 1:
		return "", command.Usage(c, "doctor takes one bootstrap")
	case o.envoy == "":
		return "", command.Usage(c, "name an Envoy bootstrap, or a running Envoy with --envoy")
	}
	return "", nil
}

// isAddress says whether an argument is the address of a server, and no file.
func isAddress(arg string) bool {
	if _, err := os.Stat(arg); err == nil {
		return false
	}
	_, _, err := net.SplitHostPort(arg)
	return err == nil || strings.Contains(arg, "://")
}

func (o *doctorFlags) run(c *cobra.Command, path string) error {
	options := doctor.Options{ModulesCluster: o.modulesCluster}
	if o.specs != "" {
		docs := load.Paths(c.Context(), []string{o.specs}, nil)
		if len(docs.Specs) == 0 && len(docs.Errors) > 0 {
			return docs.Errors[0]
		}
		options.Specs, options.SpecsKnown = docs.Specs, true
	}
	var all doctor.Report
	status := o.status(c, &all)
	if !options.SpecsKnown && status != nil {
		options.Specs, options.SpecsKnown = status.specs(), true
	}
	if path != "" {
		if err := o.ofFile(c, path, options, &all); err != nil {
			return err
		}
	}
	if o.envoy != "" {
		if err := o.ofEnvoy(c, options, status, &all); err != nil {
			return err
		}
	}
	if *o.output == "json" {
		printReportJSON(c.OutOrStdout(), all)
	} else {
		printReport(c.OutOrStdout(), c.ErrOrStderr(), all)
	}
	if len(all.Findings) > 0 {
		return command.ErrReported
	}
	return nil
}

// ofFile adds the report about a bootstrap.
func (o *doctorFlags) ofFile(c *cobra.Command, path string, options doctor.Options, all *doctor.Report) error {
	config, problem := envoyconfig.Read(path, readConfiguration)
	if problem != nil {
		return problem
	}
	report := doctor.Check(config, options)
	all.Findings = append(all.Findings, report.Findings...)
	all.Notes = append(all.Notes, report.Notes...)
	all.Suggestions = append(all.Suggestions, report.Suggestions...)
	if o.server == "" {
		return nil
	}
	all.Findings = append(all.Findings, dial.Reach(c.Context(), dial.Ask{
		Config: config, XDS: report.XDS, Modules: report.Modules, Open: readConfiguration,
	})...)
	return nil
}
