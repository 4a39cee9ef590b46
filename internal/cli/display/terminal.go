// Package display prints the results of commands: tables, sizes, times and errors for people, and
// JSON for programs. It knows nothing of flags and commands.
//
// words.go has the small forms, problem.go shows a problem with its line of the source, and
// terminal.go finds out the width and the colours of the output. Errors of the output are ignored:
// they mean the reader has closed the output.
package display

import (
	"io"
	"os"

	"golang.org/x/term"

	"github.com/wasm-xds/wasm-xds/internal/terminal"
)

// defaultWidth is the number of columns without a terminal.
const defaultWidth = 80

// Screen is an output for people that is not the terminal itself, with the terminal's form: a text
// that is drawn at once, or a test.
type Screen struct {
	io.Writer
	Columns int
	Rows    int // 0: any number
	Colors  bool
}

// Paint returns a text in a colour, if the screen has colours.
func (s *Screen) Paint(c terminal.Color, text string) string {
	return terminal.Style{Colors: s.Colors}.Paint(c, text)
}

// ScreenOf returns a screen on a writer with the form of a terminal, and nil if out is no terminal.
func ScreenOf(out, w io.Writer) *Screen {
	f, ok := out.(*os.File)
	if !ok || !IsTerminal(out) {
		return nil
	}
	s := &Screen{Writer: w, Columns: Width(out), Colors: Style(out).Colors}
	if _, height, err := term.GetSize(int(f.Fd())); err == nil {
		s.Rows = height
	}
	return s
}

// Like returns an output with the form of out that writes to w.
func Like(out, w io.Writer) io.Writer {
	if s, ok := out.(*Screen); ok {
		return &Screen{Writer: w, Columns: s.Columns, Rows: s.Rows, Colors: s.Colors}
	}
	if s := ScreenOf(out, w); s != nil {
		s.Rows = 0 // a terminal scrolls
		return s
	}
	return w
}

// IsTerminal says whether people read the output on a terminal.
func IsTerminal(w io.Writer) bool {
	switch w := w.(type) {
	case *Screen:
		return true
	case *os.File:
		return term.IsTerminal(int(w.Fd()))
	default:
		return false
	}
}

// Style shows colours on a terminal, unless NO_COLOR (no-color.org) or TERM=dumb is set.
func Style(w io.Writer) terminal.Style {
	if s, ok := w.(*Screen); ok {
		return terminal.Style{Colors: s.Colors}
	}
	return terminal.Style{Colors: IsTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

// leastWidth is the width of the narrowest terminal for which lines are broken, in columns.
const leastWidth = 20

// Width is the number of columns for a line of text.
func Width(w io.Writer) int {
	switch w := w.(type) {
	case *Screen:
		return w.Columns
	case *os.File:
		if width, _, err := term.GetSize(int(w.Fd())); err == nil && width > 0 {
			return max(width, leastWidth)
		}
	}
	return defaultWidth
}

// Rows is the number of lines that people see at once; 0: any number.
func Rows(w io.Writer) int {
	if s, ok := w.(*Screen); ok {
		return s.Rows
	}
	return 0
}

// Columns is a table on an output. On a terminal it fits the width by these steps. Elsewhere the
// table is whole, because programs may read it.
func Columns(w io.Writer, steps ...terminal.Step) *terminal.Table {
	t := &terminal.Table{Style: Style(w)}
	if IsTerminal(w) {
		t.Fit = terminal.Fit{Width: Width(w), Steps: steps}
	}
	return t
}

// Drop leaves out columns, in this order.
func Drop(headings ...string) []terminal.Step {
	steps := make([]terminal.Step, len(headings))
	for i, h := range headings {
		steps[i].Heading = h
	}
	return steps
}
