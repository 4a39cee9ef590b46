package view

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
)

// PrintHistory prints a line for each revision of a filter, and below it the story of each rollout.
func PrintHistory(w io.Writer, h *api.History) {
	if len(h.Revisions) == 0 {
		fmt.Fprintf(w, "filter %s has no revision yet\n", terminal.Printable(h.Name))
	} else {
		printRevisions(w, h.Revisions)
	}
	for i := range h.Revisions {
		printRollout(w, &h.Revisions[i])
	}
	for i := range h.Revisions {
		if r := &h.Revisions[i]; r.Error != nil {
			fmt.Fprintln(w)
			PrintError(w, r.Revision, r.Error)
		}
	}
	if h.Error != nil && !toldBefore(h) {
		fmt.Fprintln(w)
		PrintError(w, h.Name, h.Error)
	}
	if h.Rollback != "" {
		fmt.Fprintln(w)
		fmt.Fprintln(w, terminal.Wrap(fmt.Sprintf("`wasm-xds rollback %s` serves %s again", terminal.Printable(h.Name), terminal.Printable(h.Rollback)), display.Width(w), ""))
	}
}

// printRevisions prints a line for each revision. A column of the record is left out if no revision
// has it.
func printRevisions(w io.Writer, revisions []api.Revision) {
	withOutcome := slices.ContainsFunc(revisions, func(r api.Revision) bool { return r.Outcome != "" })
	withCommit := slices.ContainsFunc(revisions, func(r api.Revision) bool { return r.Commit != nil })
	columns := func(head []terminal.Cell, outcome, since, served, commit terminal.Cell, rest ...terminal.Cell) []terminal.Cell {
		if withOutcome {
			head = append(head, outcome)
		}
		head = append(head, since, served)
		if withCommit {
			head = append(head, commit)
		}
		return append(head, rest...)
	}
	table := display.Columns(w, append(display.Drop("SIZE", "MODULE"), append([]terminal.Step{{Heading: "CHANGED", Least: 16}},
		append(display.Drop("SPEC", "SERVED", "STATE", "COMMIT"), terminal.Step{Heading: "CHANGED"}, terminal.Step{Heading: "SINCE", Least: 10})...)...)...)
	table.Cells(columns([]terminal.Cell{plain("REVISION"), plain("STATE")}, plain("OUTCOME"), plain("SINCE"), plain("SERVED"), plain("COMMIT"),
		plain("MODULE"), plain("SIZE"), plain("SPEC"), plain("CHANGED"))...)
	for i := range revisions {
		r := &revisions[i]
		table.Cells(columns([]terminal.Cell{plain(r.Revision), plain(string(r.State))}, outcomeCell(r.Outcome), plain(display.Moment(r.Since)),
			plain(served(r.ServedSeconds)), plain(commitName(r.Commit)), plain(ModuleName(r.Module)), plain(display.Bytes(r.Module.Size)),
			plain(cmp.Or(r.File, r.SpecFile)), plain(changesText(r.Changes)))...)
	}
	table.Write(w)
}

// mostChanges bounds the keys in a line of the table. `diff` has them all.
const mostChanges = 4

// changesText is "config module.sha256", or the first keys "and 11 more".
func changesText(keys []string) string {
	more := len(keys) - mostChanges
	if more <= 1 {
		return strings.Join(keys, " ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(keys[:mostChanges], " "), more)
}

// printRollout prints the story of a revision that the table does not have.
func printRollout(w io.Writer, r *api.Revision) {
	lines := rolloutLines(r)
	if len(lines) == 0 {
		return
	}
	width := display.Width(w)
	fmt.Fprintf(w, "\n%s:\n", terminal.Printable(r.Revision))
	for _, line := range lines {
		fmt.Fprintln(w, terminal.Wrap("  "+terminal.Printable(line), width, "    "))
	}
}

// rolloutLines tell how a rollout went, with the refusals of Envoys and the actions of users.
func rolloutLines(r *api.Revision) []string {
	var lines []string
	if len(r.Waves) > 1 {
		lines = append(lines, "waves: "+WavesText(r.Waves))
	}
	for _, f := range r.Figures {
		lines = append(lines, "figure "+FigureText(&f))
	}
	if r.Reason != "" && r.Error == nil {
		lines = append(lines, fmt.Sprintf("%s %s: %s", outcomeWords(r.Outcome), display.Moment(r.EndedAt), r.Reason))
	}
	for _, refusal := range r.Refusals {
		lines = append(lines, fmt.Sprintf("%s refused it %s: %s", cmp.Or(refusal.Node, "an Envoy without a node id"), display.Moment(refusal.At), refusal.Message))
	}
	for _, a := range r.By {
		lines = append(lines, ActionText(&a))
	}
	for _, t := range r.Before {
		lines = append(lines, fmt.Sprintf("wanted before, from %s to %s: %s", display.Moment(t.Since), display.Moment(t.EndedAt), outcomeWords(t.Outcome)))
	}
	return lines
}

// WavesText is "canary 1/1 passed, 10% 2/4 soaking, all 0/40 waiting".
func WavesText(waves []api.RolloutWave) string {
	var words []string
	for _, wave := range waves {
		text := fmt.Sprintf("%s %d/%d %s", waveName(&wave), wave.Live, wave.Envoys, wave.State)
		if !wave.PassedAt.IsZero() {
			text += " " + wave.PassedAt.Local().Format(time.TimeOnly)
		}
		words = append(words, text)
	}
	return strings.Join(words, ", ")
}

// FigureText is "p99: 31 ms with the revision, 11 ms without: bad (limit 20 ms)".
func FigureText(c *api.HealthComparison) string {
	if c.Message != "" {
		return c.Name + ": " + c.Message
	}
	unit := ""
	if c.Unit != "" {
		unit = " " + c.Unit
	}
	return fmt.Sprintf("%s: %.4g%s with the revision, %.4g%s without: %s", c.Name, c.Canary, unit, c.Stable, unit, strings.ReplaceAll(string(c.Outcome), "_", " "))
}

// ActionText is "promote by deploy, 2026-01-02 10:00:00: the reason".
func ActionText(a *api.Action) string {
	text := fmt.Sprintf("%s by %s, %s", a.Action, cmp.Or(a.By, "an unknown user"), display.Moment(a.At))
	if a.Reason != "" {
		text += ": " + a.Reason
	}
	return text
}

// outcomeWords is "rolled back" for rolled_back.
func outcomeWords(o api.RevisionOutcome) string { return strings.ReplaceAll(string(o), "_", " ") }

func outcomeCell(o api.RevisionOutcome) terminal.Cell {
	cell := plain(outcomeWords(o))
	switch o {
	case api.OutcomeLive:
		cell.Color = terminal.Green
	case api.OutcomeRollingOut:
		cell.Color = terminal.Yellow
	case api.OutcomeRefused, api.OutcomeUnhealthy, api.OutcomeStopped, api.OutcomeAborted:
		cell.Color = terminal.Red
	default:
	}
	return cell
}

// commitName is the begin of a commit's id. A star marks a spec that differs from the commit.
func commitName(c *api.Commit) string {
	if c == nil {
		return ""
	}
	name := c.ID[:min(len(c.ID), 12)]
	if c.Dirty {
		name += "*"
	}
	return name
}

// served is a duration in days, or in smaller units.
func served(seconds int64) string {
	switch d := time.Duration(seconds) * time.Second; {
	case d == 0:
		return "-"
	case d < 48*time.Hour:
		return d.String()
	default:
		return fmt.Sprintf("%dd", int64(d/(24*time.Hour)))
	}
}

// toldBefore says whether any revision of the filter has the filter's error.
func toldBefore(h *api.History) bool {
	for _, r := range h.Revisions {
		if r.Error != nil && r.Error.Message == h.Error.Message {
			return true
		}
	}
	return false
}
