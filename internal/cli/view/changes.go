package view

import (
	"cmp"
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
)

// Changes are lines that describe the differences between two views.
func Changes(before, now *View) []string {
	was := map[string]string{}
	for i := range before.Filters {
		was[before.Filters[i].Name] = summary(&before.Filters[i])
	}
	var lines []string
	for i := range now.Filters {
		f := &now.Filters[i]
		if text := summary(f); was[f.Name] != text {
			lines = append(lines, terminal.Printable(f.Name)+"  "+text)
		}
		delete(was, f.Name)
	}
	for name := range was {
		lines = append(lines, terminal.Printable(name)+"  forgotten")
	}
	slices.Sort(lines)
	if now.One {
		return lines
	}
	told := map[string]bool{}
	for _, e := range before.Source.Errors {
		told[e.Error()] = true
	}
	for _, e := range now.Source.Errors {
		if !told[e.Error()] {
			lines = append(lines, terminal.Printable(e.Error()))
		}
	}
	if before.Source.State != now.Source.State {
		lines = append(lines, "source  "+string(now.Source.State))
	}
	return lines
}

// summary is a filter on one line.
func summary(f *api.Filter) string {
	text, _ := state(f)
	parts := []string{text, cmp.Or(f.Revision, "-"), live(f)}
	if f.Candidate != "" {
		parts = append(parts, "to "+f.Candidate)
	}
	if e := f.Failure(); e != nil {
		parts = append(parts, terminal.Printable(e.Message))
	}
	return strings.Join(parts, "  ")
}
