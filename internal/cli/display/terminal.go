// Package display prints the results of commands: tables, sizes, times and errors for people, and
// JSON for programs. It knows nothing of flags and commands.
//
// words.go has the small forms, problem.go shows a problem with its line of the source, and
// terminal.go finds out the width and the colours of the output. Errors of the output are ignored:
// they mean that the reader has closed the output.
package display

import (
	"io"
	"os"

	"golang.org/x/term"

	"github.com/wasm-xds/wasm-xds/internal/terminal"
)

// defaultWidth is the number of columns without a terminal.
const defaultWidth = 80

// IsTerminal says whether people read the output on a terminal.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Style shows colours on a terminal, unless NO_COLOR (no-color.org) or TERM=dumb is set.
func Style(w io.Writer) terminal.Style {
	return terminal.Style{Colors: IsTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

// Width is the number of columns for a line of text.
func Width(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width >= defaultWidth/2 {
			return width
		}
	}
	return defaultWidth
}
