package trial

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/internal/preflight/runner"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// printText prints the problems, and a line for each filter without a problem.
func printText(w io.Writer, r Outcome) {
	var lines display.SourceLines
	for _, e := range r.Errors {
		display.Problem(w, &lines, e)
	}
	table := display.Table(w)
	good := 0
	for _, one := range r.Filters {
		printExamined(w, &lines, one)
		if !one.OK() && !r.warn {
			continue
		}
		good++
		m, state, tests := one.Revision.Module, "ok", ""
		if !one.OK() {
			state = "warn"
		}
		if n := len(one.Tests); n > 0 {
			tests = "\t" + display.Plural(n-len(one.Failed())-len(one.Doubtful()), "test") + " passed"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\trevision %s\tsha256 %s\t%s%s\n",
			state, one.Spec.Name, one.Spec.Type, one.Revision.ID, m.SHA256, display.Bytes(m.Size), tests)
	}
	_ = table.Flush() // a closed output is not reported
	for _, one := range r.Filters {
		printProfile(w, one)
		printCoverage(w, one)
	}
	switch n := r.problems(); {
	case n > 0:
		fmt.Fprintf(w, "%s, %d ok\n", display.Plural(n, "problem"), good)
	case len(r.Filters) == 0:
		fmt.Fprintln(w, "no specs found: a spec is a .yaml or .yml file")
	}
}

// printExamined prints the problems of a filter in the sandbox.
func printExamined(w io.Writer, lines *display.SourceLines, e Filter) {
	for _, warning := range e.warnings() {
		marked := *warning
		marked.Message = "warning: " + marked.Message
		display.Problem(w, lines, &marked)
	}
	for _, p := range e.Problems {
		display.Problem(w, lines, examine.Error(e.Spec, p))
	}
	if len(e.Problems) > 0 {
		for _, l := range e.Logs {
			fmt.Fprintln(w, "  log:", terminal.Printable(l.Text))
		}
	}
	for _, t := range slices.Concat(e.Doubtful(), e.Failed()) {
		printTest(w, lines, e.Spec, t)
	}
}

// printTest prints a failed test.
func printTest(w io.Writer, lines *display.SourceLines, s *spec.Spec, t runner.Result) {
	problem := &spec.Error{Message: fmt.Sprintf("test %q failed", t.Name), Pos: examine.TestPosition(s, t.Name)}
	if t.Doubtful {
		problem.Message = "warning: " + problem.Message
		problem.Hint = examine.HostEnvHint(s)
	}
	display.Problem(w, lines, problem)
	for _, f := range t.Failures {
		fmt.Fprintln(w, "  "+f.String())
		for line := range strings.Lines(f.Diff) {
			fmt.Fprintln(w, "    "+terminal.Printable(strings.TrimSuffix(line, "\n")))
		}
	}
	for _, l := range t.Logs {
		fmt.Fprintln(w, "  log:", l)
	}
}
