package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
)

// runNodes prints a line for each Envoy.
func (o *statusOptions) runNodes(ctx context.Context, w io.Writer) error {
	nodes, err := o.server.Nodes(ctx, o.name)
	if err != nil {
		return err
	}
	if o.json {
		printJSON(w, nodes)
	} else {
		printNodes(w, envoysOf(nodes))
	}
	if o.exitCode && slices.ContainsFunc(nodes, func(n api.Node) bool { return n.State != api.NodeGone && len(failuresOf(&n)) > 0 }) {
		return errSilent
	}
	return nil
}

// envoysOf joins the streams of each Envoy. Without ADS, an Envoy has a stream for each filter.
func envoysOf(streams []api.Node) []api.Node {
	type key struct{ id, address, state string }
	at := map[key]int{}
	var all []api.Node
	for _, n := range streams {
		k := key{n.ID, n.Address, string(n.State)}
		i, known := at[k]
		if !known {
			at[k] = len(all)
			n.Filters = slices.Clone(n.Filters)
			all = append(all, n)
			continue
		}
		one := &all[i]
		one.Filters = append(one.Filters, n.Filters...)
		one.Warnings = append(one.Warnings[:len(one.Warnings):len(one.Warnings)], n.Warnings...)
		if n.Since.Before(one.Since) {
			one.Since = n.Since
		}
	}
	slices.SortStableFunc(all, func(a, b api.Node) int {
		return cmp.Or(cmp.Compare(a.State, b.State), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Address, b.Address))
	})
	return all
}

func printNodes(w io.Writer, envoys []api.Node) {
	if len(envoys) == 0 {
		fmt.Fprintln(w, "no Envoy is connected")
		return
	}
	table := terminal.Table{Style: styleOf(w)}
	table.Row("NODE", "CLUSTER", "ADDRESS", "ENVOY", "MODE", "LIVE", "STATE", "SINCE")
	for i := range envoys {
		n := &envoys[i]
		table.Cells(plain(n.ID), plain(n.Cluster), plain(n.Address), plain(n.Envoy), plain(n.Mode), plain(liveOn(n)), nodeState(n), plain(age(n.Since)))
	}
	table.Write(w)
	for i := range envoys {
		printNodeProblems(w, &envoys[i])
	}
}

// printNodeProblems prints the problems of an Envoy, or the last filters of an Envoy that has
// gone.
func printNodeProblems(w io.Writer, n *api.Node) {
	for _, e := range n.Warnings {
		fmt.Fprintln(w)
		printError(w, n.ID+" ("+n.Address+"): warning", e)
	}
	if n.State == api.NodeGone {
		return
	}
	for _, f := range n.Filters {
		for _, e := range f.Warnings {
			fmt.Fprintln(w)
			printError(w, f.Name+" on "+n.ID+" ("+n.Address+"): warning", e)
		}
	}
	for _, f := range failuresOf(n) {
		fmt.Fprintln(w)
		printError(w, f.Name+" on "+n.ID+" ("+n.Address+")", f.Error)
	}
}

func failuresOf(n *api.Node) []api.NodeFilter {
	var failing []api.NodeFilter
	for _, f := range n.Filters {
		if f.Error != nil {
			failing = append(failing, f)
		}
	}
	return failing
}

// liveOn is how many of the filters of an Envoy are live there.
func liveOn(n *api.Node) string {
	live := 0
	for _, f := range n.Filters {
		if f.State == api.SubscriberLive {
			live++
		}
	}
	return fmt.Sprintf("%d/%d", live, len(n.Filters))
}

// nodeState is the worst state of an Envoy's filters.
func nodeState(n *api.Node) terminal.Cell {
	if n.State == api.NodeGone {
		return terminal.Cell{Text: string(n.State), Color: terminal.Yellow}
	}
	for _, s := range []api.SubscriberState{
		api.SubscriberRejected, api.SubscriberUnsupported, api.SubscriberDenied, api.SubscriberPending, api.SubscriberFetching,
	} {
		if slices.ContainsFunc(n.Filters, func(f api.NodeFilter) bool { return f.State == s }) {
			return subscriberState(s)
		}
	}
	if len(n.Filters) == 0 {
		return terminal.Cell{Text: "idle", Color: terminal.Faint}
	}
	return subscriberState(api.SubscriberLive)
}

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
	parts := []string{text, dash(f.Revision), live(f)}
	if f.Candidate != "" {
		parts = append(parts, "to "+f.Candidate)
	}
	if e := f.Failure(); e != nil {
		parts = append(parts, terminal.Printable(e.Message))
	}
	return strings.Join(parts, "  ")
}

// runWatch prints at once and after each change, until ctx ends. On a terminal it prints the
// whole view, elsewhere a line for each changed filter. JSON is printed whole after a change.
func (o *statusOptions) runWatch(ctx context.Context, w io.Writer) error {
	var last *view
	err := o.server.OnChange(ctx, func() (bool, error) {
		v, err := ask(ctx, o.server, o.name)
		if err != nil {
			return false, err
		}
		switch {
		case isTerminal(w) && !o.json:
			fmt.Fprint(w, "\x1b[H\x1b[2J")
			o.print(w, v)
		case last == nil:
			o.print(w, v)
		case o.json:
			if len(changes(last, v)) > 0 {
				o.print(w, v)
			}
		default:
			for _, line := range changes(last, v) {
				fmt.Fprintln(w, time.Now().Format(time.TimeOnly), line)
			}
		}
		last = v
		return false, nil
	})
	if ctx.Err() == nil {
		return err
	}
	return nil // the end was asked for
}
