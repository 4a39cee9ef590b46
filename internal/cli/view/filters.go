package view

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
)

// PrintFilters prints a line for each filter, and the problems. The filters that need a look come
// first. If the output has too few lines for all filters, the last ones are left out.
func PrintFilters(w io.Writer, v *View) { printFilters(w, v, time.Now()) }

func printFilters(w io.Writer, v *View, now time.Time) {
	filters := byAttention(v.Filters)
	printFreeze(w, &v.freeze, now)
	var problems strings.Builder
	printProblems(display.Like(w, &problems), v, filters, now)
	if len(filters) == 0 {
		fmt.Fprintf(w, "no filters: put a spec into %s\n", v.Source.Directory)
	} else {
		most := len(filters)
		if rows := display.Rows(w); rows > 0 {
			most = max(leastFilters, rows-strings.Count(problems.String(), "\n")-usedRows)
		}
		printTable(w, filters[:min(most, len(filters))], now)
		if left := filters[min(most, len(filters)):]; len(left) > 0 {
			_, words, _ := strings.Cut(Summary(left), " ")
			fmt.Fprintf(w, "and %d more %s\n", len(left), words)
		}
	}
	if problems.Len() > 0 {
		_, _ = io.WriteString(w, problems.String()) // a closed output is not reported
	}
}

const (
	usedRows     = 3 // lines of a screen without filters and problems: the headings and the like
	leastFilters = 5 // filters that are shown on any screen
)

// printFreeze prints the freeze of the server.
func printFreeze(w io.Writer, f *api.Freeze, now time.Time) {
	if !f.Frozen {
		return
	}
	text := fmt.Sprintf("All rollouts have been frozen since %s (%s)", display.Moment(f.At), ago(f.At, now))
	if f.By != "" {
		text += ", by " + f.By
	}
	if f.Reason != "" {
		text += ": " + f.Reason
	}
	text = terminal.Wrap(terminal.Printable(text)+"; `wasm-xds freeze off` ends the freeze.", display.Width(w), "  ")
	fmt.Fprintln(w, display.Style(w).Paint(terminal.Yellow, text))
	fmt.Fprintln(w)
}

// printTable prints a line for each filter.
func printTable(w io.Writer, filters []api.Filter, now time.Time) {
	rolling := slices.ContainsFunc(filters, func(f api.Filter) bool { return progress(&f, now) != "" })
	table := display.Columns(w, append(display.Drop("DELIVERY", "TYPE"),
		terminal.Step{Heading: "NAME", Least: 24}, terminal.Step{Heading: "REVISION", Least: 8}, terminal.Step{Heading: "ROLLOUT", Least: 20},
		terminal.Step{Heading: "ROLLOUT"}, terminal.Step{Heading: "NAME", Least: 12}, terminal.Step{Heading: "REVISION"})...)
	head := []string{"NAME", "STATE", "REVISION", "LIVE", "TYPE", "DELIVERY"}
	if rolling {
		head = slices.Insert(head, 3, "ROLLOUT")
	}
	table.Row(head...)
	for i := range filters {
		f := &filters[i]
		text, color := state(f)
		cells := []terminal.Cell{plain(f.Name), {Text: text, Color: color}, plain(f.Revision), plain(live(f)), plain(f.Type), plain(f.Delivery)}
		if rolling {
			cells = slices.Insert(cells, 3, plain(progress(f, now)))
		}
		table.Cells(cells...)
	}
	table.Write(w)
}

// printProblems prints everything that is wrong.
func printProblems(w io.Writer, v *View, filters []api.Filter, now time.Time) {
	for i := range filters {
		printFilterErrors(w, &filters[i])
	}
	printEnvoyWarnings(w, filters...)
	printIncomplete(w, filters...)
	for i := range v.replicas {
		if v.replicas[i].Self {
			printDegraded(w, &v.replicas[i])
		}
	}
	printSource(w, &v.Source, filters)
	printLimits(w, v.limits, now)
	printVisitors(w, v.visitors, now)
	printCertificates(w, v.certificates, now)
	printIdentity(w, &v.identity, now)
	printTokens(w, &v.tokens)
	printWebhooks(w, v.webhooks, now)
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
