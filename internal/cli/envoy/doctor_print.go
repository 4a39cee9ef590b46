package envoy

import (
	"fmt"
	"io"

	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/doctor"
	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func printReportJSON(w io.Writer, r doctor.Report) {
	display.JSON(w, struct {
		Findings []envoyconfig.Finding `json:"findings"`
		Notes    []string              `json:"notes"`
		// Suggestions are notes with a patch.
		Suggestions []envoyconfig.Finding `json:"suggestions"`
	}{append([]envoyconfig.Finding{}, r.Findings...), append([]string{}, r.Notes...), append([]envoyconfig.Finding{}, r.Suggestions...)})
}

// printReport prints findings with their lines, and notes apart from them, so a good
// configuration prints nothing on stdout.
func printReport(stdout, stderr io.Writer, r doctor.Report) {
	lines := &display.SourceLines{}
	for i, f := range r.Findings {
		if i > 0 {
			fmt.Fprintln(stdout)
		}
		message := f.Message
		if f.Severity == envoyconfig.SeverityWarning {
			message = "warning: " + message
		}
		display.Problem(stdout, lines, &spec.Error{
			Code: f.Code, Message: terminal.Printable(message) + " [" + f.Code + "]", Hint: terminal.Printable(f.Hint), Pos: f.Pos(),
		})
		if f.Patch != "" {
			fmt.Fprint(stdout, f.Patch)
		}
	}
	if len(r.Findings) == 0 {
		fmt.Fprintln(stderr, "wasm-xds: no problem was found")
	}
	for _, note := range r.Notes {
		fmt.Fprintln(stderr, "note:", terminal.Printable(note))
	}
	for _, f := range r.Suggestions {
		fmt.Fprintf(stderr, "note: %s [%s]\n  hint: %s\n", terminal.Printable(f.Message), f.Code, terminal.Printable(f.Hint))
		fmt.Fprint(stderr, f.Patch)
	}
}
