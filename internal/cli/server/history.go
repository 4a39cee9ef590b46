package server

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/apiclient"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/cli/view"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
)

func newHistory() *cobra.Command {
	c := &cobra.Command{
		Use:   "history NAME",
		Short: "List the revisions of a filter that a running server keeps",
		Long: `History asks a running server for the revisions of a filter that can be served: the
one that is, the one that is rolling out, and up to ten that Envoys ran before: the
newest five, and of the others those that served longest. The last five that Envoys
refused are listed, too. The newest comes first.

SINCE is when a revision became the one to be served, for the last time, and SERVED
for how long all Envoys had it. CHANGED are the keys in which it differs from the next
line, as config.realm; values are not shown. Below the table is what is wrong with the filter, and what wasm-xds rollback would serve.`,
		Example: `  wasm-xds history auth
  wasm-xds history auth -o json | jq -r '.revisions[].revision'`,
		Args:              command.Arguments(1, 1, "the name of a filter"),
		ValidArgsFunction: completeFilters,
	}
	question[api.History]{
		Ask: func(ctx context.Context, server apiclient.Client, args []string) (*api.History, error) {
			return server.History(ctx, args[0])
		},
		print: printHistory,
	}.addTo(c)
	return c
}

func printHistory(w io.Writer, h *api.History) {
	if len(h.Revisions) == 0 {
		fmt.Fprintf(w, "filter %s has no revision yet\n", terminal.Printable(h.Name))
	} else {
		table := display.Table(w)
		fmt.Fprintln(table, "REVISION\tSTATE\tSINCE\tSERVED\tMODULE\tSIZE\tSPEC\tCHANGED")
		for _, r := range h.Revisions {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", terminal.Printable(r.Revision), terminal.Printable(string(r.State)), display.Moment(r.Since), served(r.ServedSeconds),
				terminal.Printable(view.ModuleName(r.Module)), display.Bytes(r.Module.Size), cmp.Or(terminal.Printable(r.SpecFile), "-"), cmp.Or(terminal.Printable(strings.Join(r.Changes, " ")), "-"))
		}
		_ = table.Flush() // a closed output is not reported
	}
	for _, r := range h.Revisions {
		if r.Error != nil {
			fmt.Fprintln(w)
			view.PrintError(w, r.Revision, r.Error)
		}
	}
	if h.Error != nil && !toldBefore(h) {
		fmt.Fprintln(w)
		view.PrintError(w, h.Name, h.Error)
	}
	if h.Rollback != "" {
		fmt.Fprintf(w, "\n`wasm-xds rollback %s` serves %s again\n", terminal.Printable(h.Name), terminal.Printable(h.Rollback))
	}
}

// served is a duration in days, or in smaller units.
func served(seconds int64) string {
	switch d := time.Duration(seconds) * time.Second; {
	case d == 0:
		return "-"
	case d < 48*time.Hour:
		return d.String()
	default:
		return fmt.Sprintf("%dd", int64(d/(24*time.Hour)))
	}
}

// toldBefore says whether any revision of the filter has the filter's error.
func toldBefore(h *api.History) bool {
	for _, r := range h.Revisions {
		if r.Error != nil && r.Error.Message == h.Error.Message {
			return true
		}
	}
	return false
}
