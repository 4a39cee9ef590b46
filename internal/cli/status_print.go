package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/admin"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
)

func (o *statusOptions) print(w io.Writer, v *view) {
	switch {
	case o.json && v.one:
		printJSON(w, v.filters[0])
	case o.json:
		printJSON(w, v.filters)
	case v.one:
		printFilter(w, &v.filters[0])
	default:
		printFilters(w, v)
	}
}

func printFilters(w io.Writer, v *view) {
	if len(v.filters) == 0 {
		fmt.Fprintf(w, "no filters: put a spec into %s\n", v.source.Directory)
	} else {
		table := newTable(w)
		fmt.Fprintln(table, "NAME\tTYPE\tSTATE\tREVISION\tDELIVERY\tLIVE")
		for i := range v.filters {
			f := &v.filters[i]
			live, total := count(f.Subscribers)
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%d/%d\n", terminal.Printable(f.Name), dash(f.Type), state(f), dash(f.Revision), dash(f.Delivery), live, total)
		}
		_ = table.Flush() // a closed output is nobody's problem
	}
	for i := range v.filters {
		printFilterErrors(w, &v.filters[i])
	}
	printSource(w, &v.source, v.filters)
	printLimits(w, v.limits, time.Now())
}

// printFilterErrors prints a filter's own error and those of its Envoys.
func printFilterErrors(w io.Writer, f *admin.Filter) {
	if r := f.RolloutStatus; r != nil && len(r.WaitsFor) > 0 {
		fmt.Fprintf(w, "\n%s: the rollout of revision %s waits\n", terminal.Printable(f.Name), terminal.Printable(r.Revision))
		printWaits(w, f)
	}
	if f.Error != nil {
		fmt.Fprintln(w)
		printError(w, f.Name, f.Error)
	}
	for _, warning := range f.Warnings {
		fmt.Fprintln(w)
		printError(w, f.Name+": warning", warning)
	}
	for i := range f.Subscribers {
		if s := &f.Subscribers[i]; s.Error != nil && s.State != admin.SubscriberGone {
			fmt.Fprintln(w)
			printError(w, fmt.Sprintf("%s on %s (%s)", f.Name, s.Node, s.Address), s.Error)
		}
	}
}

// printSource prints what is wrong with the source, and the problems of specs that no
// filter has told of.
func printSource(w io.Writer, s *admin.Source, filters []admin.Filter) {
	printSourceStates(w, s)
	told := map[admin.Error]bool{}
	for i := range filters {
		if e := filters[i].Error; e != nil {
			told[*e] = true
		}
	}
	errs := slices.DeleteFunc(slices.Clone(s.Errors), func(e *admin.Error) bool { return told[*e] })
	if len(errs) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s in the specs:\n", plural(len(errs), "problem"))
	for _, e := range errs {
		printError(w, "", e)
	}
}

// printSourceStates prints what is wrong with each source, or with the only one.
func printSourceStates(w io.Writer, s *admin.Source) {
	if len(s.Sources) < 2 {
		if s.Error != nil {
			fmt.Fprintln(w)
			printError(w, fmt.Sprintf("directory %s", s.State), s.Error)
		}
		return
	}
	for i := range s.Sources {
		if one := &s.Sources[i]; one.Error != nil {
			fmt.Fprintln(w)
			printError(w, fmt.Sprintf("source %s %s", one.Name, one.State), one.Error)
		}
	}
}

// printError prints what, the hint, and what it concerns before it.
func printError(w io.Writer, what string, e *admin.Error) {
	plain := *e
	plain.Hint = ""
	text := terminal.Printable(plain.Error())
	if what != "" {
		text = terminal.Printable(what) + ": " + text
	}
	fmt.Fprintln(w, text)
	if e.Hint != "" {
		fmt.Fprintln(w, "  hint:", terminal.Printable(e.Hint))
	}
}

func printFilter(w io.Writer, f *admin.Filter) {
	table := newTable(w)
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(table, "%s\t%s\n", name, terminal.Printable(value))
		}
	}
	line("name", f.Name)
	line("type", f.Type)
	line("state", state(f))
	line("revision", f.Revision)
	line("candidate", f.Candidate)
	line("rollout", f.Rollout)
	line("stable", f.Stable)
	line("rejected", strings.Join(f.Rejected, " "))
	if f.Module.SHA256 != "" {
		line("module", fmt.Sprintf("sha256 %s, %s", f.Module.SHA256, byteCount(f.Module.Size)))
		if f.Module.Reference != "" {
			line("image", f.Module.Reference+" = "+f.Module.Digest)
		}
	}
	line("delivery", f.Delivery)
	line("on remove", f.OnRemove)
	line("spec", f.SpecFile)
	if !f.ForgetAt.IsZero() {
		line("forgotten", moment(f.ForgetAt)+", if no Envoy asks for it before")
	}
	_ = table.Flush() // a closed output is nobody's problem
	if len(f.Subscribers) == 0 {
		fmt.Fprintln(w, "\nno Envoy asks for it")
	} else {
		fmt.Fprintln(w)
		printSubscribers(w, f.Subscribers)
	}
	printFilterErrors(w, f)
}

func printSubscribers(w io.Writer, subscribers []admin.Subscriber) {
	table := newTable(w)
	fmt.Fprintln(table, "NODE\tCLUSTER\tADDRESS\tENVOY\tSTATE\tREVISION\tVARIANT\tSINCE")
	for i := range subscribers {
		s := &subscribers[i]
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", dash(terminal.Printable(s.Node)), dash(terminal.Printable(s.Cluster)), dash(terminal.Printable(s.Address)),
			dash(terminal.Printable(s.Envoy)), s.State, dash(s.Revision), dash(s.Variant), since(s.Since))
	}
	_ = table.Flush()
}

func newTable(w io.Writer) *tabwriter.Writer { return tabwriter.NewWriter(w, 0, 0, 2, ' ', 0) }

// state is a filter's state in a word or two.
func state(f *admin.Filter) string {
	switch {
	case f.Disabled:
		return "disabled"
	case f.State == admin.FilterActive && f.Candidate != "":
		return "active, rolling out"
	case f.State == admin.FilterActive && f.Error != nil && f.Error.Code == admin.CodeRolledBack:
		return "active, rolled back"
	case f.State == admin.FilterActive && f.Error != nil:
		return "active, with error"
	default:
		return string(f.State)
	}
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func since(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return time.Since(t).Truncate(time.Second).String()
}
