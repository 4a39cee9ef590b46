package view

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
)

// EnvoysOf joins the streams of each Envoy. Without ADS, an Envoy has a stream for each filter.
func EnvoysOf(streams []api.Node) []api.Node {
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

// PrintNodes prints a line for each Envoy, and the problems.
func PrintNodes(w io.Writer, envoys []api.Node) {
	if len(envoys) == 0 {
		fmt.Fprintln(w, "no Envoy is connected")
		return
	}
	table := display.Columns(w, append(display.Drop("MODE", "CLUSTER", "ADDRESS", "ENVOY"), terminal.Step{Heading: "NODE", Least: 12})...)
	table.Row("NODE", "CLUSTER", "ADDRESS", "ENVOY", "MODE", "LIVE", "STATE", "SINCE")
	for i := range envoys {
		n := &envoys[i]
		table.Cells(plain(n.ID), plain(n.Cluster), plain(n.Address), plain(n.Envoy), plain(n.Mode), plain(liveOn(n)), nodeState(n), plain(display.Age(n.Since)))
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
		PrintError(w, n.ID+" ("+n.Address+"): warning", e)
	}
	if n.State == api.NodeGone {
		return
	}
	for _, f := range n.Filters {
		for _, e := range f.Warnings {
			fmt.Fprintln(w)
			PrintError(w, f.Name+" on "+n.ID+" ("+n.Address+"): warning", e)
		}
	}
	for _, f := range FailuresOf(n) {
		fmt.Fprintln(w)
		PrintError(w, f.Name+" on "+n.ID+" ("+n.Address+")", f.Error)
	}
}

// FailuresOf are the filters with an error on an Envoy.
func FailuresOf(n *api.Node) []api.NodeFilter {
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
