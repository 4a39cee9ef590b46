package envoy

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/cli/load"
	"github.com/wasm-xds/wasm-xds/internal/doctor"
	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
	"github.com/wasm-xds/wasm-xds/internal/reason"
	"github.com/wasm-xds/wasm-xds/internal/regular"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// doctorFlags are the flags of doctor.
type doctorFlags struct {
	specs          string
	modulesCluster string
	output         *string
}

func newDoctor() *cobra.Command {
	var o doctorFlags
	c := &cobra.Command{
		Use:   "doctor BOOTSTRAP",
		Short: "Find what keeps an Envoy's configuration from working with wasm-xds",
		Long: `Doctor reads an Envoy configuration, YAML or JSON, and the files of listeners and
clusters that it names. It prints each problem with its place, the next step, and the
change that mends it as a diff. Most of these problems are silent: Envoy takes the
configuration, and waits. With the specs, doctor compares the names of the filters, too.

Nothing is changed and nothing is sent. Doctor exits with 0 if it finds nothing, and
with 1 after any finding, a warning too. Notes on standard error say what requests meet
while Envoy starts.`,
		Example: `  wasm-xds doctor /etc/envoy/envoy.yaml
  wasm-xds doctor envoy.yaml --specs filters/
  wasm-xds doctor envoy.yaml -o json | jq -r '.findings[].code'`,
		Args: command.Arguments(1, 1, "an Envoy bootstrap"),
	}
	f := c.Flags()
	f.StringVar(&o.specs, "specs", "", "`directory` of the specs, or a spec file, to compare the names of filters")
	f.StringVar(&o.modulesCluster, "modules-cluster", command.DefaultModulesCluster, "`name` of the cluster with the module server, as serve has it")
	o.output = command.OutputFlag(c, "text", "json")
	c.RunE = func(c *cobra.Command, args []string) error {
		return o.run(c.Context(), args, c.OutOrStdout(), c.ErrOrStderr())
	}
	return c
}

func (o *doctorFlags) run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	options := doctor.Options{ModulesCluster: o.modulesCluster}
	if o.specs != "" {
		docs := load.Paths(ctx, []string{o.specs}, nil)
		if len(docs.Specs) == 0 && len(docs.Errors) > 0 {
			return docs.Errors[0]
		}
		options.Specs, options.SpecsKnown = docs.Specs, true
	}
	config, problem := envoyconfig.Read(args[0], readConfiguration)
	if problem != nil {
		return problem
	}
	report := doctor.Check(config, options)
	if *o.output == "json" {
		printReportJSON(stdout, report)
	} else {
		printReport(stdout, stderr, report)
	}
	if len(report.Findings) > 0 {
		return command.ErrReported
	}
	return nil
}

// readConfiguration reads a file of an Envoy's configuration.
func readConfiguration(path string) ([]byte, *spec.Error) {
	fail := func(message string) ([]byte, *spec.Error) {
		return nil, &spec.Error{Code: "cannot_read", Message: message, Hint: "name the file that Envoy gets with -c", Pos: spec.Position{File: path}}
	}
	text, err := regular.Read(path, envoyconfig.MaxFileSize)
	switch {
	case errors.Is(err, regular.ErrNotRegular):
		return fail("this is no file")
	case errors.Is(err, regular.ErrTooLarge):
		return fail(fmt.Sprintf("the file has more than %d bytes", envoyconfig.MaxFileSize))
	case err != nil:
		return fail("cannot be read: " + reason.Of(err))
	}
	return text, nil
}

func printReportJSON(w io.Writer, r doctor.Report) {
	display.JSON(w, struct {
		Findings []envoyconfig.Finding `json:"findings"`
		Notes    []string              `json:"notes"`
	}{append([]envoyconfig.Finding{}, r.Findings...), append([]string{}, r.Notes...)})
}

// printReport prints findings with their lines, and notes apart from them, so that a good
// configuration prints nothing on stdout.
func printReport(stdout, stderr io.Writer, r doctor.Report) {
	lines := &display.SourceLines{}
	for i, f := range r.Findings {
		if i > 0 {
			fmt.Fprintln(stdout)
		}
		message := f.Message
		if f.Severity == envoyconfig.SeverityWarning {
			message = "warning: " + message
		}
		display.Problem(stdout, lines, &spec.Error{Code: f.Code, Message: message + " [" + f.Code + "]", Hint: f.Hint, Pos: f.Pos()})
		if f.Patch != "" {
			fmt.Fprint(stdout, f.Patch)
		}
	}
	if len(r.Findings) == 0 {
		fmt.Fprintln(stderr, "wasm-xds: no problem was found")
	}
	for _, note := range r.Notes {
		fmt.Fprintln(stderr, "note:", note)
	}
}
