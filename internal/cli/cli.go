// Package cli is the command line. [Run] reads flags, environment and arguments, and runs one
// command. The package holds the root command and the tests of the whole program; the commands are
// in the packages below it.
//
// # The packages, bottom first
//
//   - display prints: tables, problems with their source line, JSON.
//   - command has flags, arguments, the environment, errors and exit codes. build has the version
//     of the binary.
//   - fetch is the access to registries, load reads specs, trial runs the sandbox, view prints the
//     answers of a server, serveflags has the flags of a server, and dev runs a server with an
//     Envoy.
//   - server, specs, modules and envoy have the commands, in families: one file for each command.
//     Commands do not use each other.
//
// # A new command
//
// A command belongs to the family of the thing that it works on:
//
//   - server: a running server, as status and rollback do. Most of these commands are a question.
//   - specs: the specs of a directory, as check and lock do.
//   - modules: a Wasm file, a bundle or a registry, as inspect and push do.
//   - envoy: the configuration or the log of an Envoy, as bootstrap and explain do.
//
// Write the command into a file of its own and name it in the Commands function of the family. A
// flag that asks for an action is marked with command.Action. The test of a command on files is a
// script in testdata; the test of a command that asks a server uses internal/test/apitest. At the
// end, `go test ./internal/cli -run TestDocs -update` writes the page docs/cli.md.
package cli

import (
	"context"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/envoy"
	"github.com/wasm-xds/wasm-xds/internal/cli/kit"
	"github.com/wasm-xds/wasm-xds/internal/cli/modules"
	"github.com/wasm-xds/wasm-xds/internal/cli/server"
	"github.com/wasm-xds/wasm-xds/internal/cli/specs"
)

// Run runs the command in args (without the program's name) until ctx ends, and returns the exit
// code. It never exits the process. No other function runs a command.
func Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	ran, err := root.ExecuteContextC(ctx)
	return command.Report(stderr, err, command.WantsJSON(ran))
}

// Root returns the tree of the commands, for pages about them and for completions.
func Root() *cobra.Command { return newRoot() }

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
	root.AddCommand(kit.Commands()...)
	root.AddCommand(specs.Commands()...)
	root.AddCommand(modules.Commands()...)
	root.AddCommand(envoy.Commands()...)
	root.AddCommand(newVersion())
	root.InitDefaultCompletionCmd()
	return root
}
