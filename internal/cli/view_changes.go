package cli

import (
	"cmp"
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
)

// changes are lines that describe the differences between two views.
func changes(before, now *view) []string {
	was := map[string]string{}
	for i := range before.filters {
		was[before.filters[i].Name] = summary(&before.filters[i])
	}
	var lines []string
	for i := range now.filters {
		f := &now.filters[i]
		if text := summary(f); was[f.Name] != text {
			lines = append(lines, terminal.Printable(f.Name)+"  "+text)
		}
		delete(was, f.Name)
	}
	for name := range was {
		lines = append(lines, terminal.Printable(name)+"  forgotten")
	}
	slices.Sort(lines)
	if now.one {
		return lines
	}
	told := map[string]bool{}
	for _, e := range before.source.Errors {
		told[e.Error()] = true
	}
	for _, e := range now.source.Errors {
		if !told[e.Error()] {
			lines = append(lines, terminal.Printable(e.Error()))
		}
	}
	if before.source.State != now.source.State {
		lines = append(lines, "source  "+string(now.source.State))
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
