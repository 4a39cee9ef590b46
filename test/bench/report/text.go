package report

import (
	"fmt"
	"iter"
	"strings"
)

// paragraphs adds paragraphs, each with an empty line before it.
func paragraphs(b *strings.Builder, all []string) {
	for _, p := range all {
		fmt.Fprintf(b, "\n%s\n", wrapped(p))
	}
}

// columns is the longest line of a paragraph, except for a code span that is longer.
const columns = 100

// wrapped breaks a paragraph into lines. A code span stays on one line, so a reader can copy
// a command.
func wrapped(paragraph string) string {
	var b strings.Builder
	column := 0
	for piece := range pieces(paragraph) {
		switch {
		case column == 0:
		case column+1+len(piece) > columns:
			b.WriteByte('\n')
			column = 0
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(piece)
		column += len(piece)
	}
	return b.String()
}

// pieces yields the words of a paragraph, and each code span with the words around it that touch
// it.
func pieces(paragraph string) iter.Seq[string] {
	return func(yield func(string) bool) {
		var open []string
		inCode := false
		for word := range strings.FieldsSeq(paragraph) {
			open = append(open, word)
			if strings.Count(word, "`")%2 == 1 {
				inCode = !inCode
			}
			if inCode {
				continue
			}
			if !yield(strings.Join(open, " ")) {
				return
			}
			open = open[:0]
		}
		if len(open) > 0 {
			yield(strings.Join(open, " "))
		}
	}
}

// reference returns the reference of a row as text.
func reference(r Row) string {
	if r.Reference == 0 {
		return "–"
	}
	return r.Unit.Format(r.Reference)
}

// line adds a line of a table.
func line(b *strings.Builder, cells []string) {
	fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
}
