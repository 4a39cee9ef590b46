package view

import (
	"fmt"
	"io"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
)

// printTokens prints the problem of the file of tokens.
func printTokens(w io.Writer, t *api.Tokens) {
	if t.Error != nil {
		fmt.Fprintf(w, "\n%s: %s\n  hint: %s\n", terminal.Printable(t.File), terminal.Printable(t.Error.Message), terminal.Printable(t.Error.Hint))
	}
}

// printIdentity prints the problem of the rules, and the claims that certificates did not cover.
func printIdentity(w io.Writer, i *api.Identity, now time.Time) {
	if i.Error != nil {
		fmt.Fprintf(w, "\n%s: %s\n  hint: %s\n", terminal.Printable(i.File), terminal.Printable(i.Error.Message), terminal.Printable(i.Error.Hint))
	}
	for _, r := range i.Refusals {
		times := ""
		if r.Count > 1 {
			times = fmt.Sprintf(", %d times", r.Count)
		}
		fmt.Fprintf(w, "\n%s: %s%s, the last time %s ago\n  hint: %s\n", terminal.Printable(r.Address), terminal.Printable(r.Message), times,
			now.Sub(r.Last).Truncate(time.Second), terminal.Printable(r.Hint))
	}
}
