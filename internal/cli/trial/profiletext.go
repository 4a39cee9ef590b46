package trial

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/preflight/profile"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
)

// mostFunctions is how many host functions the text shows.
const mostFunctions = 8

func printProfile(w io.Writer, e Filter) {
	p := e.profile
	if p == nil {
		return
	}
	cut := ""
	if p.CutShort {
		cut = ", cut short by --profile-time"
	}
	fmt.Fprintf(w, "\nprofile of %s: %s on one VM in %s%s\n", e.Spec.Name, display.Plural(p.Requests, "request"), short(p.Duration), cut)
	table := display.Table(w)
	row := func(name string, c profile.Cost) {
		fmt.Fprintf(table, "  %s\tmedian %s\tp99 %s\t%.1f host calls\n", terminal.Printable(name), short(c.Median), short(c.P99), c.HostCalls)
	}
	if len(p.Steps) > 1 {
		row("all", p.Cost)
	}
	for _, s := range p.Steps {
		name := s.Test
		switch {
		case len(e.Spec.Tests) == 0:
			name += " (the spec has no tests)"
		case s.Step > 0:
			name = fmt.Sprintf("%s, step %d", s.Test, s.Step)
		}
		row(name, s.Cost)
	}
	_ = table.Flush() // a closed output is not reported
	if len(p.Functions) > 0 {
		var calls []string
		for _, f := range p.Functions[:min(len(p.Functions), mostFunctions)] {
			calls = append(calls, fmt.Sprintf("%s %.2g", f.Name[strings.IndexByte(f.Name, '.')+1:], f.PerRequest))
		}
		if n := len(p.Functions) - mostFunctions; n > 0 {
			calls = append(calls, display.Plural(n, "other"))
		}
		fmt.Fprintln(w, "  calls a request:", strings.Join(calls, ", "))
	}
	fmt.Fprintln(w, "  memory:", memoryText(p.Memory))
}

func memoryText(m profile.MemoryGrowth) string {
	size := func(pages uint32) string {
		return fmt.Sprintf("%s (%s)", display.Bytes(int64(pages)<<16), display.Plural(int(pages), "page"))
	}
	switch {
	case m.End == m.Start:
		return size(m.End) + ", as after the start"
	case m.BytesPerRequest == 0:
		return fmt.Sprintf("%s after the start, %s since half of the requests", size(m.Start), size(m.End))
	default:
		return fmt.Sprintf("%s after the start, %s at the end: it goes on growing by %.0f bytes a request", size(m.Start), size(m.End), m.BytesPerRequest)
	}
}

// short is a duration with about three digits.
func short(d time.Duration) string {
	unit := time.Duration(1)
	for d/unit >= 1000 {
		unit *= 10
	}
	return d.Round(unit).String()
}
