package envoy

import (
	"context"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/cli/fetch"
	"github.com/wasm-xds/wasm-xds/internal/cli/load"
	"github.com/wasm-xds/wasm-xds/internal/cli/trial"
	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/internal/kit/recording"
	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/internal/preflight/runner"
	"github.com/wasm-xds/wasm-xds/internal/specedit"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// recordOptions are the flags of record.
type recordOptions struct {
	envoy, spec string
	most        int
	time        time.Duration
	mask, keep  []string
	query       bool
	write       bool
}

// recorded is the outcome of a recording.
type recorded struct {
	spec    *spec.Spec // nil: not known
	tests   recording.Tests
	masking recording.Masking
	streams *recording.Streams
}

// finish runs the tests, prints or writes them, and lists their gaps.
func (o *recordOptions) finish(c *cobra.Command, r *recorded) error {
	stderr := c.ErrOrStderr()
	if r.tests.Len() == 0 {
		r.notes(stderr)
		return command.Failure("no_requests", "no request has passed the filter with its response", "send requests meanwhile, or record for longer with --time")
	}
	fmt.Fprintln(stderr, display.Plural(r.tests.Len(), "test")+", "+display.Plural(r.tests.Twice, "equal request")+" left out")
	r.notes(stderr)
	if r.spec == nil {
		fmt.Fprintln(stderr, "next: put them into the spec's tests, and run wasm-xds test; --spec FILE runs them at once")
		return r.print(c, all)
	}
	passed, err := r.try(c.Context(), stderr)
	if err != nil {
		_ = r.print(c, all) // the tests are not lost
		return err
	}
	if !o.write {
		fmt.Fprintln(stderr, "next: record once more with --write, which adds the tests that pass to "+o.spec)
		return r.print(c, all)
	}
	return o.addTo(c, r, passed)
}

// addTo adds the tests that have passed to the spec, and prints the others.
func (o *recordOptions) addTo(c *cobra.Command, r *recorded, passed map[string]bool) error {
	fresh, err := r.fresh(passed)
	if err != nil {
		return err
	}
	if n := len(passed) - len(fresh); n > 0 {
		fmt.Fprintf(c.ErrOrStderr(), "%s: %s there already\n", terminal.Printable(o.spec), display.Plural(n, "test"))
	}
	if len(fresh) > 0 {
		text, err := r.tests.Items(func(name string) bool { return fresh[name] })
		if err != nil {
			return err
		}
		if err := specedit.AddTestsFile(o.spec, r.spec.Name, text); err != nil {
			_ = r.print(c, all) // the tests are not lost
			return command.Failure("not_written", fmt.Sprintf("the tests cannot be added to %s: %s", o.spec, err), "put the printed tests into it by hand")
		}
		fmt.Fprintf(c.ErrOrStderr(), "%s: %s added\n", terminal.Printable(o.spec), display.Plural(len(fresh), "test"))
	}
	if len(passed) == r.tests.Len() {
		return nil
	}
	return r.print(c, func(name string) bool { return !passed[name] })
}

// fresh are the names of the passed tests that the spec does not have under another name.
func (r *recorded) fresh(passed map[string]bool) (map[string]bool, error) {
	tests, err := r.decoded()
	if err != nil {
		return nil, err
	}
	fresh := map[string]bool{}
	for _, t := range tests {
		known := slices.ContainsFunc(r.spec.Tests, func(old spec.Test) bool { return reflect.DeepEqual(plain(old), plain(t)) })
		if passed[t.Name] && !known {
			fresh[t.Name] = true
		}
	}
	return fresh, nil
}

// plain is a test without its name and its place.
func plain(t spec.Test) spec.Test {
	t.Name, t.Pos, t.Steps = "", spec.Position{}, slices.Clone(t.Steps)
	for i := range t.Steps {
		t.Steps[i].Pos, t.Steps[i].Expect.Pos = spec.Position{}, spec.Position{}
	}
	return t
}

// all wants each test.
func all(string) bool { return true }

// print prints the tests with some of the names.
func (r *recorded) print(c *cobra.Command, wanted func(name string) bool) error {
	text, err := r.tests.Items(wanted)
	if err != nil {
		return err
	}
	_, err = c.OutOrStdout().Write(append([]byte("tests:\n"), text...))
	return err
}

// notes lists the gaps of a recording.
func (r *recorded) notes(stderr io.Writer) {
	note := func(n int, what, why string) {
		if n > 0 {
			fmt.Fprintln(stderr, "note:", display.Plural(n, what), why)
		}
	}
	note(r.tests.Large, "request", "left out for the size of their headers")
	note(r.tests.Gaps[recording.GapLarge], "test", fmt.Sprintf("without bodies, because one has more than %s", display.Bytes(recording.MostBody)))
	note(r.tests.Gaps[recording.GapBinary], "test", "without bodies, because one is compressed or no text, so that its secrets could not be masked")
	note(r.tests.Gaps[recording.GapMixed], "test", "without bodies, because their chunks do not show what the filter has changed")
	note(r.streams.Dropped, "request", "left out, because too many others were under way")
	note(r.streams.Open(), "request", "left out, because their response had not begun at the end")
	if names := r.masking.Masked(); len(names) > 0 {
		fmt.Fprintln(stderr, "masked:", terminal.Printable(strings.Join(names, ", ")), "(--keep NAME keeps one)")
	}
}

// try runs the tests in the sandbox, and returns the names of those that pass.
func (r *recorded) try(ctx context.Context, stderr io.Writer) (passed map[string]bool, err error) {
	copied := *r.spec
	if copied.Tests, err = r.decoded(); err != nil {
		return nil, err
	}
	docs := load.Documents{Specs: []*spec.Spec{&copied}}
	var outcome trial.Outcome
	err = load.WithStore(func(store *module.Store) error {
		good, err := docs.Resolve(ctx, store, fetch.Flags{})
		if err != nil {
			return err
		}
		outcome, err = trial.Run(ctx, store, good, trial.Options{Mode: examine.Enforce})
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(docs.Errors) > 0 || len(outcome.Filters[0].Problems) > 0 {
		fmt.Fprintln(stderr, "sandbox: the tests cannot run, because the filter has problems:")
		return nil, trial.PrintProblems(stderr, slices.Concat(docs.Errors, outcome.Filters[0].Errors(&copied)), false)
	}
	return r.tell(stderr, outcome.Filters[0].Tests), nil
}

// decoded are the tests as a spec has them.
func (r *recorded) decoded() ([]spec.Test, error) {
	items, err := r.tests.Items(all)
	if err != nil {
		return nil, err
	}
	specs, errs, _ := spec.Decode("recorded", append([]byte("name: recorded\nmodule: {file: recorded.wasm}\ntests:\n"), items...))
	if len(errs) > 0 {
		return nil, fmt.Errorf("a recorded test is no test: %w", errs[0])
	}
	return specs[0].Tests, nil
}

// tell prints the results of the tests, and returns the names of those that pass.
func (r *recorded) tell(stderr io.Writer, results []runner.Result) map[string]bool {
	passed := map[string]bool{}
	for _, t := range results {
		if t.OK {
			passed[t.Name] = true
		}
	}
	if len(passed) == len(results) {
		fmt.Fprintln(stderr, "sandbox:", display.Plural(len(passed), "test"), "passed")
		return passed
	}
	fmt.Fprintf(stderr, "sandbox: %d of %s failed: the filter does something else there than in Envoy\n", len(results)-len(passed), display.Plural(len(results), "test"))
	for _, t := range results {
		if t.OK {
			continue
		}
		fmt.Fprintf(stderr, "  %s\n", terminal.Printable(t.Name))
		for _, f := range t.Failures {
			fmt.Fprintf(stderr, "    %s\n", terminal.Printable(f.String()))
		}
	}
	fmt.Fprintln(stderr, "to mend them:")
	if len(r.masking.Masked()) > 0 {
		fmt.Fprintln(stderr, "  a filter that reads a masked value: keep it with --keep NAME, or write a made-up value into the test")
	}
	if len(r.tests.Gaps) > 0 {
		fmt.Fprintln(stderr, "  a filter that reads a missing body: write a body into the test")
	}
	fmt.Fprintln(stderr, "  a filter that makes calls, or reads properties or shared data: give the test calls, properties or shared")
	fmt.Fprintln(stderr, "  a filter that depends on the time or on chance: take the difference out of expect")
	return passed
}
