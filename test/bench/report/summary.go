package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Summary returns a single table of the rows named by the sections' headlines.
func Summary(sections []Section) string {
	var b strings.Builder
	b.WriteString("## Summary\n")
	paragraphs(&b, []string{
		"The table has each figure with a goal, and the figures that readers look for first. If " +
			"several cases of a figure were measured, each case that misses the goal has its own line, " +
			"and the worst of the other cases stands for all of them.",
		strings.Join(machines(sections), "; ") + "; the commit and the day stand with each section.",
	})
	b.WriteString("\n")
	line(&b, []string{"what", "wasm-xds", "reference", "ratio", "runs", "goal", "met"})
	line(&b, []string{"---", "---:", "---:", "---:", "---:", "---", "---"})
	for _, s := range sections {
		for _, h := range s.Headlines {
			for _, l := range s.lines(h) {
				line(&b, l)
			}
		}
	}
	return b.String()
}

// machines returns the distinct machines of the sections.
func machines(sections []Section) []string {
	var all []string
	for _, s := range sections {
		if !slices.Contains(all, s.Machine) {
			all = append(all, s.Machine)
		}
	}
	return all
}

// aCase is a row named by a headline, with its place.
type aCase struct {
	Row
	table     string
	reference string
}

func (s Section) cases(h Headline) []aCase {
	var all []aCase
	for _, t := range s.Tables {
		for _, r := range t.Rows {
			if h.has(r.Figure) {
				all = append(all, aCase{r, t.Title, cmp.Or(t.Reference, s.Reference)})
			}
		}
	}
	return all
}

// lines returns the cells of a headline's lines.
func (s Section) lines(h Headline) (lines [][]string) {
	all := s.cases(h)
	var good []aCase
	aims := 0
	for _, c := range all {
		if h.Goal.aimMet(c.Row) {
			aims++
		}
		switch {
		case !h.Goal.isSet():
			lines = append(lines, s.line(h, all, c, ""))
		case h.Goal.met(c.Row):
			good = append(good, c)
		default:
			lines = append(lines, s.line(h, all, c, "**no**"))
		}
	}
	if len(good) == 0 {
		return lines
	}
	met := "yes"
	if h.Goal.Aim != 0 {
		met = fmt.Sprintf("yes; the aim: %d of %d", aims, len(all))
	}
	worst := slices.MaxFunc(good, func(a, b aCase) int { return cmp.Compare(h.Goal.judged(a.Row), h.Goal.judged(b.Row)) })
	cells := s.line(h, all, worst, met)
	if len(good) > 1 {
		cells[0] += fmt.Sprintf("; the worst of %d", len(good))
	}
	return append(lines, cells)
}

// line returns the line of one case. The line names the case only as far as necessary to tell the
// cases apart.
func (s Section) line(h Headline, all []aCase, c aCase, met string) []string {
	what := []string{fmt.Sprintf("[%s](#%s): %s", s.Title, anchor(s.Title), cmp.Or(h.What, c.Figure))}
	others := func(differ func(aCase) bool) bool { return slices.ContainsFunc(all, differ) }
	if h.What != "" && others(func(o aCase) bool { return o.Figure != c.Figure }) {
		what = append(what, c.Figure)
	}
	if others(func(o aCase) bool { return o.table != c.table }) {
		what = append(what, c.table)
	}
	return []string{
		strings.Join(what, "; "), c.Unit.Format(c.Ours), c.reference + ": " + reference(c.Row),
		ratioText(c.Row, h.Goal), fmt.Sprint(c.Runs), h.Goal.text(c.Unit), met,
	}
}

// anchor returns the fragment of a heading on the page.
func anchor(title string) string { return strings.ReplaceAll(strings.ToLower(title), " ", "-") }
