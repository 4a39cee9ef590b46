// Package cli is the command line. It reads flags, environment and arguments, and runs the
// commands.
package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"
)

// The exit codes.
const (
	exitOK      = 0
	exitProblem = 1 // a problem in the input, or a failure
	exitUsage   = 2 // a wrong command line or environment
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
	return report(stderr, err, wantsJSON(ran))
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
		Args: noSuchCommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
		PersistentPreRunE: func(c *cobra.Command, _ []string) error {
			if err := checkEnvironment(c, os.Environ()); err != nil {
				return err
			}
			return readEnvironment(c)
		},
		SilenceErrors:              true,
		SuggestionsMinimumDistance: 2,
		SilenceUsage:               true,
	}
	root.CompletionOptions.HiddenDefaultCmd = false
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usage(c, err.Error())
	})
	root.AddCommand(newServe(), newDev(), newCheck(), newRender(), newBootstrap(), newStatus(), newHistory(), newRollback(), newRetry(), newRollout(), newForget(), newInspect(), newExplain(),
		newLock(), newPush(), newPull(), newList(), newLogin(), newLogout(), newVersion())
	root.InitDefaultCompletionCmd()
	return root
}

func noSuchCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	e := usage(c, fmt.Sprintf("there is no command %q", args[0]))
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		e.Hint = fmt.Sprintf("did you mean %q?", near[0])
	}
	return e
}

// arguments checks the number of arguments. The text names the arguments.
func arguments(least, most int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return usage(c, c.Name()+" needs "+what)
		case most >= 0 && len(args) > most:
			return usage(c, fmt.Sprintf("%q is one argument too many", args[most]))
		}
		return nil
	}
}

// outputFlag adds -o with a command's formats. The first format is the default.
func outputFlag(c *cobra.Command, formats ...string) *string {
	value := formats[0]
	c.Flags().VarP(&choiceOf[string]{&value, formats}, "output", "o", "`format` of what is printed: "+list(formats))
	action(c.Flags(), "output")
	_ = c.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
	return &value
}

// choiceFlag adds a flag that takes one of a few words, with their completion. The variable keeps
// its value as the default.
func choiceFlag[T ~string](c *cobra.Command, value *T, words []T, name, usage string) {
	c.Flags().Var(&choiceOf[T]{value, words}, name, usage)
	offered := make([]string, len(words))
	for i, word := range words {
		offered[i] = string(word)
	}
	_ = c.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(offered, cobra.ShellCompDirectiveNoFileComp)) // fails only for a missing flag
}

func wantsJSON(c *cobra.Command) bool {
	if c == nil {
		return false
	}
	f := c.Flags().Lookup("output")
	return f != nil && f.Value.String() == "json"
}

// choiceOf is the value of a flag that takes one of a few words.
type choiceOf[T ~string] struct {
	value *T
	of    []T
}

func (c *choiceOf[T]) String() string { return string(*c.value) }
func (c *choiceOf[T]) Type() string   { return "string" }

func (c *choiceOf[T]) Set(text string) error {
	if !slices.Contains(c.of, T(text)) {
		return fmt.Errorf("it is %s", list(c.of))
	}
	*c.value = T(text)
	return nil
}

// list is "a, b or c".
func list[T ~string](words []T) string {
	text := ""
	for i, w := range words {
		switch {
		case i == 0:
		case i == len(words)-1:
			text += " or "
		default:
			text += ", "
		}
		text += string(w)
	}
	return text
}
