// Package cli is the command line. It reads flags, environment and arguments, and runs the
// commands.
package cli

import (
	"context"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/envoy"
	"github.com/wasm-xds/wasm-xds/internal/cli/modules"
	"github.com/wasm-xds/wasm-xds/internal/cli/server"
	"github.com/wasm-xds/wasm-xds/internal/cli/specs"
)

// Run runs the command in args (without the program's name) until ctx ends, and returns the exit
// code. It is the only entry point, and never exits the process.
func Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	ran, err := root.ExecuteContextC(ctx)
	return command.Report(stderr, err, command.WantsJSON(ran))
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "wasm-xds",
		Short: "Hot-load Wasm filters into running Envoys",
		Long: `wasm-xds serves Wasm filters to Envoys over ECDS. Put a spec into a watched
directory, and every Envoy that asks for that filter loads it: no restart, no
drained listener, no dropped request, and none that slips past the filter.

Settings can be given as environment variables too: WASM_XDS_ and the flag's
name in capitals, --xds-address as WASM_XDS_XDS_ADDRESS. The flag wins.`,
		Example: `  wasm-xds dev examples/envoy/filters    # try it, with an Envoy of its own
  wasm-xds serve ./filters               # beside your Envoys
  wasm-xds status                        # what runs where, and what is wrong`,
		Args: command.NoSuchCommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
		PersistentPreRunE: func(c *cobra.Command, _ []string) error {
			if err := command.CheckEnvironment(c, os.Environ()); err != nil {
				return err
			}
			return command.ReadEnvironment(c)
		},
		SilenceErrors:              true,
		SuggestionsMinimumDistance: 2,
		SilenceUsage:               true,
	}
	root.CompletionOptions.HiddenDefaultCmd = false
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return command.Usage(c, err.Error())
	})
	root.AddCommand(server.Commands()...)
	root.AddCommand(specs.Commands()...)
	root.AddCommand(modules.Commands()...)
	root.AddCommand(envoy.Commands()...)
	root.AddCommand(newVersion())
	root.InitDefaultCompletionCmd()
	return root
}
