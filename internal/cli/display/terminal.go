package display

import (
	"io"
	"os"

	"golang.org/x/term"

	"github.com/wasm-xds/wasm-xds/internal/terminal"
)

// defaultWidth is the number of columns without a terminal.
const defaultWidth = 80

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
