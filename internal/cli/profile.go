package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/internal/preflight/profile"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
)

// profiling bounds the measurement of each filter.
type profiling struct {
	requests int
	time     time.Duration
}

// profileAll measures the filters that load, one after another: side by side they would disturb
// each other. A filter that exceeds its limits is measured, too, because a profile helps there
// most. The results are in the filters.
func profileAll(ctx context.Context, stderr io.Writer, store *module.Store, filters []examined, versions []string, p profiling) error {
	for i := range filters {
		one := &filters[i]
		if slices.ContainsFunc(one.Problems, func(p finding.Problem) bool { return p.Step != finding.StepLimits }) {
			fmt.Fprintf(stderr, "no profile of %s: it does not load\n", terminal.Printable(one.spec.Name))
			continue
		}
		code, err := store.Read(one.revision.Module.SHA256)
		if err != nil {
			return err
		}
		options := profile.Options{Requests: p.requests, Time: p.time, Progress: progress(stderr, one.spec.Name)}
		result, ok := examine.Profile(ctx, one.Result, one.spec, code, one.revision.Config, versions, options)
		clearProgress(stderr)
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		if !ok {
			continue
		}
		one.profile = &result
		one.Warnings = append(one.Warnings, result.Warnings...)
		if result.Problem != nil {
			one.Problems = append(one.Problems, *result.Problem)
		}
	}
	return nil
}

// progress shows the progress of a profile on a terminal.
func progress(w io.Writer, name string) func(done, of int) {
	if !isTerminal(w) {
		return nil
	}
	return func(done, of int) {
		fmt.Fprintf(w, "\r\x1b[Kprofile of %s: %d of %d requests", terminal.Printable(name), done, of)
	}
}

func clearProgress(w io.Writer) {
	if isTerminal(w) {
		fmt.Fprint(w, "\r\x1b[K")
	}
}

// mostFunctions is how many host functions the text shows.
const mostFunctions = 8

func printProfile(w io.Writer, e examined) {
	p := e.profile
	if p == nil {
		return
	}
	cut := ""
	if p.CutShort {
		cut = ", cut short by --profile-time"
	}
	fmt.Fprintf(w, "\nprofile of %s: %s on one VM in %s%s\n", e.spec.Name, plural(p.Requests, "request"), short(p.Duration), cut)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name string, c profile.Cost) {
		fmt.Fprintf(table, "  %s\tmedian %s\tp99 %s\t%.1f host calls\n", terminal.Printable(name), short(c.Median), short(c.P99), c.HostCalls)
	}
	if len(p.Steps) > 1 {
		row("all", p.Cost)
	}
	for _, s := range p.Steps {
		name := s.Test
		switch {
		case len(e.spec.Tests) == 0:
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
			calls = append(calls, plural(n, "other"))
		}
		fmt.Fprintln(w, "  calls a request:", strings.Join(calls, ", "))
	}
	fmt.Fprintln(w, "  memory:", memoryText(p.Memory))
}

func memoryText(m profile.MemoryGrowth) string {
	size := func(pages uint32) string {
		return fmt.Sprintf("%s (%s)", byteCount(int64(pages)<<16), plural(int(pages), "page"))
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
