package server

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/apiclient"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
)

func newForget() *cobra.Command {
	c := &cobra.Command{
		Use:   "forget NAME",
		Short: "Drop a filter whose spec is gone and that no Envoy asks for",
		Long: `Forget has a running server drop all that it keeps of a filter whose spec is gone: its
revisions and modules, what Envoys said of them, and its history. It returns once that
is on disk.

A removed filter goes by itself when no Envoy has asked for it for a day (serve
--forget-removed), and at once where it never loaded on any Envoy. As long as an Envoy
asks for it, it stays: forget says which Envoys do. A filter of which a spec is there
stays, too.`,
		Example: `  wasm-xds forget auth
  wasm-xds forget auth -o json`,
		Args:              command.Arguments(1, 1, "the name of a filter"),
		ValidArgsFunction: completeRemoved,
	}
	question[api.Forgotten]{
		Ask: func(ctx context.Context, server apiclient.Client, args []string) (*api.Forgotten, error) {
			return server.Forget(ctx, args[0])
		},
		print: printForgotten,
	}.addTo(c)
	return c
}

func printForgotten(w io.Writer, done *api.Forgotten) {
	since := ""
	if !done.IdleSince.IsZero() {
		since = ": no Envoy had asked for it since " + display.Moment(done.IdleSince)
	}
	fmt.Fprintf(w, "filter %s is forgotten, with %s%s\n", terminal.Printable(done.Name), display.Plural(done.Revisions, "revision"), since)
}

// completeRemoved offers the names of removed filters.
func completeRemoved(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	return completeFiltersThat(c, args, func(f *api.Filter) bool { return f.State == api.FilterRemoved })
}
