package view

import (
	"fmt"
	"io"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
)

// printLimits prints the limits for which streams were ended.
func printLimits(w io.Writer, limits []api.Limit, now time.Time) {
	for _, l := range limits {
		node := ""
		if l.Node != "" {
			node = " node " + terminal.Printable(l.Node)
		}
		fmt.Fprintf(w, "\n%s %d: %s ended, the last%s from %s %s ago\n", terminal.Printable(l.Flag), l.Most,
			refusals(l.Refused), node, terminal.Printable(l.Address), now.Sub(l.Last).Truncate(time.Second))
	}
}

func refusals(n uint64) string {
	if n == 1 {
		return "1 stream was"
	}
	return fmt.Sprintf("%d streams were", n)
}
