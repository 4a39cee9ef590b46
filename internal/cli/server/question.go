package server

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/apiclient"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/connect"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
)

// question is a command to ask a running server, and to print the answer as text or as JSON.
type question[T any] struct {
	// Ask takes the arguments of the command. An answer is printed even when there is an error;
	// nil means no answer.
	Ask   func(ctx context.Context, server apiclient.Client, args []string) (*T, error)
	print func(w io.Writer, answer *T)
}

// addTo gives a command flags and a function.
func (q question[T]) addTo(c *cobra.Command) {
	connect.AddFlags(c)
	output := command.OutputFlag(c, "text", "json")
	c.RunE = func(c *cobra.Command, args []string) error {
		server, err := connect.Client(c)
		if err != nil {
			return err
		}
		answer, err := q.Ask(c.Context(), server, args)
		switch {
		case answer == nil:
		case *output == "json":
			display.JSON(c.OutOrStdout(), answer)
		default:
			q.print(c.OutOrStdout(), answer)
		}
		return err
	}
}
