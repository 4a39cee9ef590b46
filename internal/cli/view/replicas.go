package view

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
)

// PrintReplicas prints a line for each replica, and the problems.
func PrintReplicas(w io.Writer, all []api.Replica) {
	if len(all) == 0 {
		fmt.Fprintln(w, "this server is of a version without replicas")
		return
	}
	table := display.Columns(w, append(display.Drop("URL", "VERSION", "SPECS"), terminal.Step{Heading: "NAME", Least: 12})...)
	table.Row("NAME", "STATE", "ENVOYS", "SPECS", "VERSION", "SINCE", "URL")
	for i := range all {
		r := &all[i]
		envoys := strconv.Itoa(r.Envoys)
		if !r.Reachable {
			envoys = "?"
		}
		table.Cells(plain(r.Name), replicaState(r), plain(envoys), plain(shortSet(r.Set)), plain(r.Version), plain(display.Age(r.Since)), plain(r.URL))
	}
	table.Write(w)
	for i := range all {
		printReplicaProblems(w, &all[i])
	}
	if text := differing(all); text != "" {
		fmt.Fprintf(w, "\n%s\n", text)
	}
}

// replicaState is the worst that is known of a replica.
func replicaState(r *api.Replica) terminal.Cell {
	switch {
	case !r.Reachable:
		return terminal.Cell{Text: "unreachable", Color: terminal.Red}
	case r.Degraded != nil:
		return terminal.Cell{Text: "degraded", Color: terminal.Yellow}
	case r.Leader:
		return terminal.Cell{Text: "leader", Color: terminal.Green}
	default:
		return terminal.Cell{Text: "serving", Color: terminal.Green}
	}
}

// shortSet is a version of a snapshot, short enough for a table.
func shortSet(set string) string {
	const shown = 12
	return set[:min(shown, len(set))]
}

func printReplicaProblems(w io.Writer, r *api.Replica) {
	if r.Error != nil {
		fmt.Fprintln(w)
		PrintError(w, r.Name, r.Error)
	}
	printDegraded(w, r)
}

// printDegraded prints why a replica is without its ledger, and what waits.
func printDegraded(w io.Writer, r *api.Replica) {
	if r.Degraded == nil {
		return
	}
	fmt.Fprintln(w)
	PrintError(w, r.Name+": degraded", r.Degraded)
	for _, one := range r.Waits {
		fmt.Fprintln(w, "  waits: "+terminal.Printable(one))
	}
}

// differing names the replicas that serve other specs than the leader; "": none does.
func differing(all []api.Replica) string {
	var names []string
	leader := ""
	for i := range all {
		if all[i].Leader {
			leader = all[i].Set
		}
	}
	for i := range all {
		if r := &all[i]; leader != "" && r.Reachable && r.Set != "" && r.Set != leader {
			names = append(names, r.Name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return terminal.Printable(strings.Join(names, ", ")) + " serves other specs than the leader: " +
		"look whether its source is as new, and whether it takes the same flags"
}

// printIncomplete names the replicas whose Envoys are missing in the filters.
func printIncomplete(w io.Writer, filters ...api.Filter) {
	for i := range filters {
		if names := filters[i].Incomplete; len(names) > 0 {
			fmt.Fprintf(w, "\nthe Envoys of %s are missing here: the replica did not answer. See wasm-xds status --replicas\n",
				terminal.Printable(strings.Join(names, ", ")))
			return // it is the same for all filters
		}
	}
}
