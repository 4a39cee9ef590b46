package cli

import (
	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/cli/build"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
)

func newVersion() *cobra.Command {
	c := &cobra.Command{
		Use:               "version",
		Short:             "Print what this binary was made from",
		Args:              command.Arguments(0, 0, "nothing"),
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	output := command.OutputFlag(c, "text", "json")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if b := build.Now(); *output == "json" {
			display.JSON(c.OutOrStdout(), b)
		} else {
			b.Print(c.OutOrStdout())
		}
		return nil
	}
	return c
}
