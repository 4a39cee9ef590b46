package terminal

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/mattn/go-runewidth"
)

// Color is the colour of a text on a terminal. The zero value is the terminal's default colour.
type Color int

// The colours, as SGR parameters of ECMA-48.
const (
	Plain  Color = 0
	Red    Color = 31
	Green  Color = 32
	Yellow Color = 33
	Faint  Color = 2
	Bold   Color = 1
)

// Style decides whether colours are shown. The zero value shows none.
type Style struct{ Colors bool }

// Paint returns the text with the control sequences of a colour.
func (s Style) Paint(c Color, text string) string {
	if !s.Colors || c == Plain || text == "" {
		return text
	}
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", c, text)
}

// Cell is one cell of a [Table].
type Cell struct {
	Text  string // printable
	Color Color
}

// Table aligns rows of cells. The first row has the headings. The zero value is empty.
type Table struct {
	Style Style
	Fit   Fit
	rows  [][]Cell
}

// Fit bounds the width of a table. The zero value sets no bound.
type Fit struct {
	Width int // in columns of the terminal; 0: no bound
	// Steps make the table narrower, in turn, until it fits.
	Steps []Step
}

// Step makes the column with a heading narrower.
type Step struct {
	Heading string
	Least   int // the least width, in columns of the terminal; 0: the column is left out
}

// Row adds a row of plain texts.
func (t *Table) Row(texts ...string) {
	cells := make([]Cell, len(texts))
	for i, text := range texts {
		cells[i].Text = text
	}
	t.Cells(cells...)
}

// Cells adds a row.
func (t *Table) Cells(cells ...Cell) { t.rows = append(t.rows, cells) }

// gap is the space between two columns.
const gap = 2

// Write prints the rows and ignores write errors.
func (t *Table) Write(w io.Writer) {
	widths := t.fit(t.widths())
	for _, row := range t.rows {
		var b strings.Builder
		space := 0 // before the next text
		for i, c := range row {
			if widths[i] < 0 {
				continue
			}
			text := runewidth.Truncate(c.Text, widths[i], "…")
			b.WriteString(strings.Repeat(" ", space))
			b.WriteString(t.Style.Paint(c.Color, text))
			space = widths[i] - runewidth.StringWidth(text) + gap
		}
		_, _ = fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
}

// widths returns the width of the widest text of each column.
func (t *Table) widths() []int {
	var widths []int
	for _, row := range t.rows {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], runewidth.StringWidth(c.Text))
		}
	}
	return widths
}

// fit makes the widths fit the bound. The width of a column that is left out is -1.
func (t *Table) fit(widths []int) []int {
	excess := func() int {
		total := -gap
		for _, w := range widths {
			if w >= 0 {
				total += w + gap
			}
		}
		return total - t.Fit.Width
	}
	if t.Fit.Width == 0 {
		return widths
	}
	for _, step := range t.Fit.Steps {
		over := excess()
		if over <= 0 {
			break
		}
		switch i := t.column(step.Heading); {
		case i < 0 || widths[i] <= step.Least:
		case step.Least == 0:
			widths[i] = -1
		default:
			widths[i] = max(step.Least, widths[i]-over)
		}
	}
	return widths
}

// column returns the number of the column with a heading; -1: there is none.
func (t *Table) column(heading string) int {
	if len(t.rows) == 0 {
		return -1
	}
	return slices.IndexFunc(t.rows[0], func(c Cell) bool { return c.Text == heading })
}

// Cut returns a text of at most width columns of the terminal.
func Cut(text string, width int) string { return runewidth.Truncate(text, width, "…") }

// Fold is [Wrap] for a terminal: a word longer than width is broken, too.
func Fold(text string, width int, indent string) string {
	room := max(width-runewidth.StringWidth(indent), 1)
	var words []string
	for _, word := range strings.Split(text, " ") {
		for runewidth.StringWidth(word) > room {
			begin := runewidth.Truncate(word, room, "")
			if begin == "" {
				break
			}
			words = append(words, begin)
			word = word[len(begin):]
		}
		words = append(words, word)
	}
	return Wrap(strings.Join(words, " "), width, indent)
}

// Wrap breaks a text at its spaces into lines of at most width columns. A word longer than width
// stays whole. All lines except the first begin with the indent.
func Wrap(text string, width int, indent string) string {
	var b strings.Builder
	column := 0
	for i, word := range strings.Split(text, " ") {
		n := runewidth.StringWidth(word)
		switch {
		case i == 0:
		case column+1+n > width && column > len(indent):
			b.WriteString("\n" + indent)
			column = len(indent)
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += n
	}
	return b.String()
}
