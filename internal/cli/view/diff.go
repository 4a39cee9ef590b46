package view

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
)

// PrintDiff prints the difference between two revisions.
func PrintDiff(w io.Writer, d *api.Diff) {
	style := display.Style(w)
	side := func(mark string, r *api.Revision) {
		text := fmt.Sprintf("%s %s %s", mark, r.Revision, r.State)
		if !r.Since.IsZero() {
			text += ", wanted " + display.Moment(r.Since)
		}
		if c := commitName(r.Commit); c != "" {
			text += ", commit " + c
		}
		fmt.Fprintln(w, style.Paint(terminal.Bold, terminal.Wrap(terminal.Printable(text), display.Width(w), "    ")))
	}
	side("---", &d.From)
	side("+++", &d.To)
	for _, line := range d.Diff {
		color := terminal.Green
		if strings.HasPrefix(line, "-") {
			color = terminal.Red
		}
		fmt.Fprintln(w, style.Paint(color, terminal.Printable(line)))
	}
	for _, line := range moduleLines(d) {
		fmt.Fprintln(w, terminal.Printable(line))
	}
	switch {
	case d.Incomplete != "":
		fmt.Fprintln(w, terminal.Wrap("The difference may be incomplete: "+terminal.Printable(d.Incomplete)+".", display.Width(w), ""))
	case len(d.Diff) == 0:
		fmt.Fprintln(w, "the specs are equal")
	}
}

// moduleLines tell how the modules differ.
func moduleLines(d *api.Diff) []string {
	var lines []string
	a, b := &d.From.Module, &d.To.Module
	if a.SHA256 != b.SHA256 && a.Size > 0 && b.Size > 0 {
		lines = append(lines, fmt.Sprintf("size: %s, before %s", display.Bytes(b.Size), display.Bytes(a.Size)))
	}
	if len(d.ImportsAdded) > 0 {
		lines = append(lines, "imports now: "+strings.Join(d.ImportsAdded, ", "))
	}
	if len(d.ImportsRemoved) > 0 {
		lines = append(lines, "imports no more: "+strings.Join(d.ImportsRemoved, ", "))
	}
	switch {
	case a.Cost != nil && b.Cost != nil:
		lines = append(lines, "cost: "+CostText(b.Cost), "cost before: "+CostText(a.Cost))
	case b.Cost != nil:
		lines = append(lines, "cost: "+CostText(b.Cost))
	}
	return lines
}

// CostText is "median 3.1µs, p99 5µs, 12.0 host calls a request, 1.1 MiB of memory".
func CostText(c *api.ModuleCost) string {
	text := fmt.Sprintf("median %s, p99 %s, %.1f host calls a request, %s of memory",
		seconds(c.MedianSeconds), seconds(c.P99Seconds), c.HostCallsPerRequest, display.Bytes(c.MemoryBytes))
	if c.GrowthBytesPerRequest > 0 {
		text += fmt.Sprintf(" that grows by %.0f bytes a request", c.GrowthBytesPerRequest)
	}
	return text
}

// seconds is a time with three digits.
func seconds(s float64) string {
	d := time.Duration(s * float64(time.Second))
	unit := time.Duration(1)
	for d/unit >= 1000 {
		unit *= 10
	}
	return d.Round(unit).String()
}
