package command

import (
	"fmt"

	"github.com/spf13/cobra"
)

// NoSuchCommand refuses the arguments of a command that only has subcommands, and suggests a name.
func NoSuchCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	e := Usage(c, fmt.Sprintf("there is no command %q", args[0]))
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		e.Hint = fmt.Sprintf("did you mean %q?", near[0])
	}
	return e
}

// Arguments checks the number of arguments. The text names the arguments.
func Arguments(least, most int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return Usage(c, c.Name()+" needs "+what)
		case most >= 0 && len(args) > most:
			return Usage(c, fmt.Sprintf("%q is one argument too many", args[most]))
		}
		return nil
	}
}
