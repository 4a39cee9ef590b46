package cli

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/internal/preflight/profile"
	"github.com/wasm-xds/wasm-xds/internal/preflight/runner"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// examined is a filter after its trial in the sandbox.
type examined struct {
	resolved
	examine.Result
	checked time.Duration   // the duration of the check, without the tests
	profile *profile.Result // nil: not asked for, or not possible
}

// warnings are the findings that are shown without making check fail.
func (e examined) warnings() []*spec.Error {
	all := e.spec.Notices(e.revision.Config)
	for _, p := range slices.Concat(e.Warnings, e.Partial) {
		all = append(all, examine.Error(e.spec, p))
	}
	return all
}

// examineAll runs the filters and their tests in the sandbox, with as many at a time as there are
// processors.
func examineAll(ctx context.Context, store *module.Store, all []resolved, how sandboxing) ([]examined, error) {
	done := make([]examined, len(all))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, one := range all {
		group.Go(func() error {
			sum := one.revision.Module.SHA256
			code, err := store.Read(sum)
			if err != nil {
				return err
			}
			module := examine.Module{Bytes: code, SHA256: sum}
			one.spec = examine.WithHostEnv(one.spec, how.hostEnv)
			begun := time.Now()
			result := examine.Filter(ctx, nil, one.spec, module, one.revision.Config, how.versions)
			checked := time.Since(begun)
			for _, test := range result.Tests {
				checked -= test.Duration
			}
			done[i] = examined{resolved: one, Result: result, checked: checked}
			return ctx.Err()
		})
	}
	return done, group.Wait()
}

// printExamined prints the problems of a filter in the sandbox.
func printExamined(w io.Writer, lines *sourceLines, e examined) {
	for _, warning := range e.warnings() {
		marked := *warning
		marked.Message = "warning: " + marked.Message
		printProblem(w, lines, &marked)
	}
	for _, p := range e.Problems {
		printProblem(w, lines, examine.Error(e.spec, p))
	}
	if len(e.Problems) > 0 {
		for _, l := range e.Logs {
			fmt.Fprintln(w, "  log:", terminal.Printable(l.Text))
		}
	}
	for _, t := range slices.Concat(e.Doubtful(), e.Failed()) {
		printTest(w, lines, e.spec, t)
	}
}

// printTest prints a failed test.
func printTest(w io.Writer, lines *sourceLines, s *spec.Spec, t runner.Result) {
	problem := &spec.Error{Message: fmt.Sprintf("test %q failed", t.Name), Pos: examine.TestPosition(s, t.Name)}
	if t.Doubtful {
		problem.Message = "warning: " + problem.Message
		problem.Hint = examine.HostEnvHint(s)
	}
	printProblem(w, lines, problem)
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
