package display

import (
	"fmt"
	"io"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/regular"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// SourceLines are the lines of the files with problems. They are read when needed. The zero value
// is ready to use.
type SourceLines struct{ files map[string][]string }

// mostShown is larger than any spec file, in bytes.
const mostShown = 8 << 20

// at is a line of a file, 1-based; false: the line cannot be shown.
func (s *SourceLines) at(file string, line int) (string, bool) {
	lines, read := s.files[file]
	if !read {
		if text, err := regular.Read(file, mostShown); err == nil { // an unreadable file has no lines to show
			lines = strings.Split(string(text), "\n")
		}
		if s.files == nil {
			s.files = map[string][]string{}
		}
		s.files[file] = lines
	}
	if line < 1 || line > len(lines) {
		return "", false
	}
	return strings.TrimRight(lines[line-1], "\r"), true
}

// widestLine is the number of columns of a source line that are shown.
const widestLine = 160

// Problem prints the place and the message, the line with a caret below, and the hint.
func Problem(w io.Writer, lines *SourceLines, e *spec.Error) {
	plain := *e
	plain.Hint = ""
	fmt.Fprintln(w, plain.Error())
	if text, ok := lines.at(e.Pos.File, e.Pos.Line); ok {
		printLine(w, text, e.Pos)
	}
	if e.Hint != "" {
		fmt.Fprintln(w, "  hint:", e.Hint)
	}
}

func printLine(w io.Writer, text string, p spec.Position) {
	runes := []rune(text)
	if len(runes) > widestLine {
		runes = runes[:widestLine]
	}
	fmt.Fprintf(w, "  %4d | %s\n", p.Line, terminal.Printable(string(runes)))
	if column := p.Column; column >= 1 && column <= len(runes)+1 {
		fmt.Fprintf(w, "       | %s^\n", indentLike(runes[:column-1]))
	}
}

// indentLike is blank and as wide as the text, with its tabs.
func indentLike(runes []rune) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, string(runes))
}
