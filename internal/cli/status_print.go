package cli

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
)

func printFilters(w io.Writer, v *view) {
	if len(v.filters) == 0 {
		fmt.Fprintf(w, "no filters: put a spec into %s\n", v.source.Directory)
	} else {
		table := terminal.Table{Style: styleOf(w)}
		table.Row("NAME", "STATE", "REVISION", "LIVE", "TYPE", "DELIVERY")
		for i := range v.filters {
			f := &v.filters[i]
			text, color := state(f)
			table.Cells(plain(f.Name), terminal.Cell{Text: text, Color: color}, plain(f.Revision), plain(live(f)), plain(f.Type), plain(f.Delivery))
		}
		table.Write(w)
	}
	for i := range v.filters {
		printFilterErrors(w, &v.filters[i])
	}
	printEnvoyWarnings(w, v.filters...)
	printSource(w, &v.source, v.filters)
	printLimits(w, v.limits, time.Now())
	printVisitors(w, v.visitors, time.Now())
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

// plain is a cell with a text from elsewhere; an empty text becomes a dash.
func plain(text string) terminal.Cell {
	return terminal.Cell{Text: cmp.Or(terminal.Printable(text), "-")}
}

// live is how many of the filter's Envoys run the wanted content.
func live(f *api.Filter) string { return fmt.Sprintf("%d/%d", f.Envoys.Live, f.Envoys.Total) }

// envoysShown is how many Envoys with the same error a line names.
const envoysShown = 3

// printFilterErrors prints the errors of a filter and of its Envoys, each error once.
func printFilterErrors(w io.Writer, f *api.Filter) {
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
	var told perEnvoy
	for i := range f.Subscribers {
		s := &f.Subscribers[i]
		if s.Error != nil && s.State != api.SubscriberGone && !s.Warns() && (f.Error == nil || s.Error.Message != f.Error.Message) {
			told.add(s, s.Error)
		}
	}
	told.print(w, func(envoys string) string { return f.Name + " on " + envoys })
}

// printEnvoyWarnings prints the warnings about Envoys that run the filters all the same.
func printEnvoyWarnings(w io.Writer, filters ...api.Filter) {
	var told perEnvoy
	for _, f := range filters {
		var ofFilter perEnvoy
		for j := range f.Subscribers {
			s := &f.Subscribers[j]
			if s.State == api.SubscriberGone {
				continue
			}
			if s.Warns() {
				told.add(s, s.Error)
			}
			for _, warning := range s.Warnings {
				ofFilter.add(s, warning)
			}
		}
		ofFilter.print(w, func(envoys string) string { return f.Name + " on " + envoys + ": warning" })
	}
	told.print(w, func(envoys string) string { return envoys + ": warning" })
}

// perEnvoy has each error once, with the Envoys that have the error.
type perEnvoy struct {
	order []api.Error
	where map[api.Error][]string
}

func (p *perEnvoy) add(s *api.Subscriber, e *api.Error) {
	if p.where == nil {
		p.where = map[api.Error][]string{}
	}
	if p.where[*e] == nil {
		p.order = append(p.order, *e)
	}
	if place := fmt.Sprintf("%s (%s)", s.Node, s.Address); !slices.Contains(p.where[*e], place) {
		p.where[*e] = append(p.where[*e], place)
	}
}

func (p *perEnvoy) print(w io.Writer, what func(envoys string) string) {
	for _, e := range p.order {
		envoys := p.where[e]
		if more := len(envoys) - envoysShown; more > 0 {
			envoys = append(envoys[:envoysShown:envoysShown], plural(more, "more Envoy"))
		}
		fmt.Fprintln(w)
		printError(w, what(strings.Join(envoys, ", ")), &e)
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
	fmt.Fprintf(w, "\n%s in the specs:\n", plural(len(errs), "problem"))
	for _, e := range errs {
		printError(w, "", e)
	}
}

// printSourceStates prints the problem of each source.
func printSourceStates(w io.Writer, s *api.Source) {
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

// printError prints the subject, the message and the hint.
func printError(w io.Writer, what string, e *api.Error) {
	style, width := styleOf(w), widthOf(w)
	text := *e
	text.Hint = ""
	line := terminal.Printable(text.Error())
	if what != "" {
		line = terminal.Printable(what) + ": " + line
	}
	fmt.Fprintln(w, terminal.Wrap(line, width, "  "))
	if e.Hint != "" {
		fmt.Fprintln(w, style.Paint(terminal.Faint, terminal.Wrap("  hint: "+terminal.Printable(e.Hint), width, "        ")))
	}
}

func printFilter(w io.Writer, f *api.Filter) {
	table := terminal.Table{Style: styleOf(w)}
	line := func(name, value string) {
		if value != "" {
			table.Row(name, terminal.Printable(value))
		}
	}
	line("name", f.Name)
	line("type", f.Type)
	text, color := state(f)
	table.Cells(terminal.Cell{Text: "state"}, terminal.Cell{Text: text, Color: color})
	line("live", live(f))
	line("revision", f.Revision)
	line("candidate", f.Candidate)
	line("rollout", f.Rollout)
	line("stable", f.Stable)
	line("rejected", strings.Join(f.Rejected, " "))
	if f.Module.SHA256 != "" {
		line("module", fmt.Sprintf("sha256 %s, %s", f.Module.SHA256, byteCount(f.Module.Size)))
		if f.Module.Reference != "" {
			line("image", f.Module.Reference+" = "+f.Module.Digest)
			if f.Module.TagDigest != "" {
				line("tag now", f.Module.TagDigest)
			}
		}
	}
	line("delivery", f.Delivery)
	line("on remove", f.OnRemove)
	line("spec", f.SpecFile)
	if !f.ForgetAt.IsZero() {
		line("forgotten", moment(f.ForgetAt)+", if no Envoy asks for it before")
	}
	table.Write(w)
	switch f.Condition {
	case api.ConditionNoEnvoy:
		fmt.Fprintln(w, "\nno Envoy asks for it")
	case api.ConditionEnvoysGone:
		fmt.Fprintln(w, "\nno Envoy asks for it any more")
	default:
	}
	if len(f.Subscribers) > 0 {
		fmt.Fprintln(w)
		printSubscribers(w, f.Subscribers)
	}
	printFilterErrors(w, f)
	printEnvoyWarnings(w, *f)
}

func printSubscribers(w io.Writer, subscribers []api.Subscriber) {
	table := terminal.Table{Style: styleOf(w)}
	table.Row("NODE", "ADDRESS", "ENVOY", "STATE", "REVISION", "VARIANT", "SINCE")
	for i := range subscribers {
		s := &subscribers[i]
		table.Cells(plain(s.Node), plain(s.Address), plain(s.Envoy), subscriberState(s.State), plain(s.Revision), plain(s.Variant), plain(age(s.Since)))
	}
	table.Write(w)
}

func newTable(w io.Writer) *tabwriter.Writer { return tabwriter.NewWriter(w, 0, 0, 2, ' ', 0) }

// state is a filter's state in a word or two, with its colour. Green: every Envoy runs the
// content.
func state(f *api.Filter) (string, terminal.Color) {
	switch {
	case f.State == api.FilterRejected, f.State == api.FilterUnknown:
		return string(f.State), terminal.Red
	case f.Failure() != nil:
		return "with error", terminal.Red
	case f.Disabled:
		return "disabled", terminal.Yellow
	case f.State == api.FilterRemoved:
		return "removed", terminal.Yellow
	case f.Condition == api.ConditionNoEnvoy:
		return "no Envoy", terminal.Faint
	case f.Condition == api.ConditionEnvoysGone:
		return "Envoys gone", terminal.Yellow
	case f.State != api.FilterActive:
		return string(f.State), terminal.Yellow
	case f.Candidate != "":
		if f.RolloutStatus != nil && len(f.RolloutStatus.WaitsFor) > 0 {
			return "waits", terminal.Yellow
		}
		return "rolling out", terminal.Yellow
	case f.Error != nil && f.Error.Code == api.CodeRolledBack:
		return "rolled back", terminal.Yellow
	case f.Condition == api.ConditionProgressing:
		return "updating", terminal.Yellow
	default:
		return string(f.State), terminal.Green
	}
}

func subscriberState(s api.SubscriberState) terminal.Cell {
	cell := plain(string(s))
	switch s {
	case api.SubscriberLive:
		cell.Color = terminal.Green
	case api.SubscriberRejected, api.SubscriberDenied, api.SubscriberUnsupported:
		cell.Color = terminal.Red
	case api.SubscriberGone:
		cell.Color = terminal.Faint
	default:
		cell.Color = terminal.Yellow
	}
	return cell
}

// age is the time since t, in its largest unit; "" for the zero time.
func age(t time.Time) string {
	const day = 24 * time.Hour
	switch d := time.Since(t); {
	case t.IsZero():
		return ""
	case d < 2*time.Minute:
		return fmt.Sprintf("%ds", max(0, int(d.Seconds())))
	case d < 2*time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 2*day:
		return fmt.Sprintf("%dh", int(d.Hours()))
	default:
		return fmt.Sprintf("%dd", int(d/day))
	}
}

// target is the revision that all Envoys are to run.
func target(f *api.Filter) string {
	if f.Candidate != "" {
		return f.Candidate
	}
	return f.Revision
}

// printWaits prints the Envoys that a filter's rollout waits for.
func printWaits(w io.Writer, f *api.Filter) {
	if f.RolloutStatus == nil {
		return
	}
	for i := range f.RolloutStatus.WaitsFor {
		fmt.Fprintf(w, "  it waits: %s\n", terminal.Printable(f.RolloutStatus.WaitsFor[i].Message))
	}
}
