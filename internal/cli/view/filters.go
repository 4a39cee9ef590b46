package view

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
)

// PrintFilters prints a line for each filter, and the problems.
func PrintFilters(w io.Writer, v *View) {
	if len(v.Filters) == 0 {
		fmt.Fprintf(w, "no filters: put a spec into %s\n", v.Source.Directory)
	} else {
		table := terminal.Table{Style: display.Style(w)}
		table.Row("NAME", "STATE", "REVISION", "LIVE", "TYPE", "DELIVERY")
		for i := range v.Filters {
			f := &v.Filters[i]
			text, color := state(f)
			table.Cells(plain(f.Name), terminal.Cell{Text: text, Color: color}, plain(f.Revision), plain(live(f)), plain(f.Type), plain(f.Delivery))
		}
		table.Write(w)
	}
	for i := range v.Filters {
		printFilterErrors(w, &v.Filters[i])
	}
	printEnvoyWarnings(w, v.Filters...)
	printSource(w, &v.Source, v.Filters)
	printLimits(w, v.limits, time.Now())
	printVisitors(w, v.visitors, time.Now())
	printCertificates(w, v.certificates, time.Now())
	printIdentity(w, &v.identity, time.Now())
	printWebhooks(w, v.webhooks, time.Now())
}

// printVisitors prints the hosts that spoke another protocol, and the setting to change.
func printVisitors(w io.Writer, visitors []api.Visitor, now time.Time) {
	for _, v := range visitors {
		times := ""
		if v.Count > 1 {
			times = fmt.Sprintf(", %d times", v.Count)
		}
		fmt.Fprintf(w, "\n%s: %s%s, the last one %s ago\n  hint: %s\n", terminal.Printable(v.Address), terminal.Printable(v.Message), times,
			now.Sub(v.Last).Truncate(time.Second), terminal.Printable(v.Hint))
	}
}

// printSource prints the problems of the source, and the problems of specs that no filter has
// reported.
func printSource(w io.Writer, s *api.Source, filters []api.Filter) {
	printSourceStates(w, s)
	told := map[api.Error]bool{}
	for i := range s.Sources {
		if e := s.Sources[i].Error; e != nil {
			told[*e] = true
		}
	}
	for i := range filters {
		if e := filters[i].Error; e != nil {
			told[*e] = true
		}
	}
	errs := slices.DeleteFunc(slices.Clone(s.Errors), func(e *api.Error) bool { return told[*e] })
	if len(errs) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s in the specs:\n", display.Plural(len(errs), "problem"))
	for _, e := range errs {
		PrintError(w, "", e)
	}
}

// printSourceStates prints the problem of each source.
func printSourceStates(w io.Writer, s *api.Source) {
	if len(s.Sources) < 2 {
		if s.Error != nil {
			fmt.Fprintln(w)
			PrintError(w, fmt.Sprintf("directory %s", s.State), s.Error)
		}
		return
	}
	for i := range s.Sources {
		if one := &s.Sources[i]; one.Error != nil {
			fmt.Fprintln(w)
			PrintError(w, fmt.Sprintf("source %s %s", one.Name, one.State), one.Error)
		}
	}
}
