package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// head is the beginning of the page.
const head = `# Benchmarks

` + "`make bench`" + ` measures everything on this page in three quarters of an hour, prints the first table
and writes the page. ` + "`go run -C test ./bench/cmd/bench -only NAME`" + ` measures one section.

Each figure stands beside its reference from the same run. Both took turns on the same machine, so
the ratios are worth more than the figures, which belong to that machine. A figure is the median of
the number of runs beside it. The page is rendered from [benchmarks.json](benchmarks.json);
` + "`-render`" + ` does only that.
`

// Page returns the whole page: the summary and the sections.
func Page(sections []Section) string {
	var b strings.Builder
	b.WriteString(head)
	b.WriteString("\n")
	b.WriteString(Summary(sections))
	for _, s := range sections {
		b.WriteString("\n")
		b.WriteString(s.Markdown())
	}
	return b.String()
}

// Markdown returns the section for the page.
func (s Section) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n", s.Title)
	paragraphs(&b, s.Before)
	paragraphs(&b, []string{fmt.Sprintf("%s, commit %s, %s", s.Machine, s.Commit, s.Date)})
	if s.Note != "" {
		paragraphs(&b, []string{s.Note})
	}
	b.WriteString(s.Figures())
	paragraphs(&b, s.After)
	return b.String()
}

// Figures returns only the section's tables.
func (s Section) Figures() string {
	var b strings.Builder
	for _, t := range s.Tables {
		b.WriteString("\n")
		if t.Title != "" {
			fmt.Fprintf(&b, "### %s\n\n", t.Title)
		}
		b.WriteString(s.table(t))
	}
	return b.String()
}

// table returns a table of the section without its heading.
func (s Section) table(t Table) string {
	var b strings.Builder
	goals := slices.ContainsFunc(t.Rows, func(r Row) bool { return s.goal(r.Figure).isSet() })
	heading := []string{"figure", "wasm-xds", cmp.Or(t.Reference, s.Reference), "ratio", "runs"}
	if goals {
		heading = append(heading, "goal")
	}
	line(&b, heading)
	line(&b, []string{"---", "---:", "---:", "---:", "---:", "---"}[:len(heading)])
	for _, r := range t.Rows {
		g := s.goal(r.Figure)
		cells := []string{r.Figure, r.Unit.Format(r.Ours), reference(r), ratioText(r, g), fmt.Sprint(r.Runs)}
		if goals {
			cells = append(cells, g.text(r.Unit))
		}
		line(&b, cells)
	}
	return b.String()
}
