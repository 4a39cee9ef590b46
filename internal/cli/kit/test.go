package kit

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/fetch"
	"github.com/wasm-xds/wasm-xds/internal/cli/load"
	"github.com/wasm-xds/wasm-xds/internal/cli/trial"
	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/internal/kit/project"
	"github.com/wasm-xds/wasm-xds/internal/kit/sources"
	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/source/dir"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// testOptions are the flags of test.
type testOptions struct {
	watch    bool
	run      string
	coverage int // least percentage; 0: none
	host     fetch.HostEnv
	output   *string

	selected *regexp.Regexp // nil: all tests
	values   map[string]string
}

func newTest() *cobra.Command {
	var o testOptions
	c := &cobra.Command{
		Use:   "test [PATH...]",
		Short: "Run the tests of specs, and show their coverage",
		Long: `Test runs the tests of the specs in each PATH, a directory or a spec file, as check does. PATH
is the working directory by default. It then shows the coverage: how many callbacks of
the module have run, and how many of its host functions were called, and which never.
WASI and callbacks that no test can run, such as proxy_on_tick, do not count.

With --watch, test runs again after each change of a spec, or of a file that a spec
names, until Ctrl-C. wasm-xds build and dev build the modules: test says when a source is
newer than its module.

It exits with 1 when a test fails, no test matches --run, or a coverage is below
--min-coverage.`,
		Example: `  wasm-xds test
  wasm-xds test filters/auth --watch
  wasm-xds test filters/ --run 'refuse' -o json
  wasm-xds test filters/ --min-coverage 80 -o junit > report.xml`,
		Args: command.Arguments(0, -1, "a spec file or a directory"),
	}
	o.output = command.OutputFlag(c, "text", "json", "junit")
	f := c.Flags()
	f.BoolVar(&o.watch, "watch", false, "run the tests again after each change")
	command.Action(f, "watch")
	f.StringVar(&o.run, "run", "", "run only the tests with a name that matches this regular `expression`")
	command.Action(f, "run")
	f.IntVar(&o.coverage, "min-coverage", 0, "least `percentage` of the coverage of each filter")
	o.host.AddFlags(f)
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			args = []string{"."}
		}
		if err := o.validate(c, args); err != nil {
			return err
		}
		if o.watch {
			return o.follow(c, args[0])
		}
		docs := o.read(c.Context(), args)
		for _, path := range args {
			noteStale(c, path, docs.Specs)
		}
		return o.once(c, docs)
	}
	return c
}

func (o *testOptions) validate(c *cobra.Command, paths []string) (err error) {
	if o.values, err = o.host.Values(); err != nil {
		return command.Usage(c, err.Error())
	}
	if o.run != "" {
		if o.selected, err = regexp.Compile(o.run); err != nil {
			return command.Usage(c, fmt.Sprintf("invalid --run %q: %s", o.run, err))
		}
	}
	if o.coverage < 0 || o.coverage > 100 {
		return command.Usage(c, fmt.Sprintf("invalid --min-coverage %d: it is from 0 to 100", o.coverage))
	}
	if !o.watch {
		return nil
	}
	if info, err := os.Stat(paths[0]); len(paths) > 1 || err != nil || !info.IsDir() {
		return command.Usage(c, "--watch follows one directory")
	}
	if *o.output == "junit" {
		return command.Usage(c, "--watch prints text or json")
	}
	return nil
}

// read reads the specs of paths. A directory may also have files of other programs.
func (o *testOptions) read(ctx context.Context, paths []string) load.Documents {
	var all load.Documents
	for _, path := range paths {
		one := load.Paths(ctx, []string{path}, nil)
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			one = load.Project(ctx, path, project.Decode)
		}
		all.Specs = append(all.Specs, one.Specs...)
		all.Errors = append(all.Errors, one.Errors...)
	}
	return all
}

// once runs the tests, and prints the outcome.
func (o *testOptions) once(c *cobra.Command, docs load.Documents) error {
	outcome, err := o.try(c.Context(), docs)
	if err != nil {
		return err
	}
	if err := trial.Print(c.OutOrStdout(), outcome, *o.output); err != nil {
		return err
	}
	if o.selected != nil && tests(outcome) == 0 && outcome.OK() {
		return command.Failure("no_tests", "no test has a name that matches --run "+strconv.Quote(o.run), "look at the names in the specs")
	}
	below := outcome.LeastCoverage(o.coverage)
	if len(below) > 0 {
		fmt.Fprintf(c.ErrOrStderr(), "the coverage is below %d%%: %s\n", o.coverage, strings.Join(below, ", "))
	}
	if !outcome.OK() || len(below) > 0 {
		return command.ErrReported
	}
	return nil
}

// tests is the number of tests that have run.
func tests(outcome trial.Outcome) (n int) {
	for _, f := range outcome.Filters {
		n += len(f.Tests)
	}
	return n
}

// noteStale says which modules of a project are older than their sources: their tests say nothing
// about the sources.
func noteStale(c *cobra.Command, dir string, specs []*spec.Spec) {
	if !project.IsProject(dir, specs) {
		return
	}
	targets, err := project.Targets(dir, specs)
	if err != nil {
		return // a build says what is missing
	}
	for _, t := range targets {
		info, err := os.Stat(t.Output)
		if err != nil {
			continue // the test itself misses it
		}
		except := []string{t.Output}
		if place := filepath.Dir(t.Output); place != t.Dir {
			except = append(except, place)
		}
		if path := sources.Newer(t.Dir, except, info.ModTime()); path != "" {
			fmt.Fprintf(c.ErrOrStderr(), "note: %s has changed since the build of %s: wasm-xds build %s builds it again\n",
				terminal.Printable(path), terminal.Printable(filepath.Base(t.Output)), terminal.Printable(dir))
		}
	}
}

// try runs the sandbox and the selected tests of the specs, and measures the coverage.
func (o *testOptions) try(ctx context.Context, docs load.Documents) (outcome trial.Outcome, err error) {
	for i, s := range docs.Specs {
		docs.Specs[i] = o.withTests(s)
	}
	err = load.WithStore(func(store *module.Store) error {
		good, err := docs.Resolve(ctx, store, fetch.Flags{})
		if err != nil {
			return err
		}
		if outcome, err = trial.Run(ctx, store, good, trial.Options{Mode: examine.Enforce, HostEnv: o.values}); err != nil {
			return err
		}
		return trial.Cover(store, outcome.Filters)
	})
	outcome.Errors = docs.Errors
	return outcome, err
}

// withTests is the spec with the selected tests.
func (o *testOptions) withTests(s *spec.Spec) *spec.Spec {
	if o.selected == nil {
		return s
	}
	copied := *s
	copied.Tests = slices.DeleteFunc(slices.Clone(s.Tests), func(t spec.Test) bool { return !o.selected.MatchString(t.Name) })
	return &copied
}

// follow runs the tests of a directory after each change, until the context ends. A change during
// a run leads to one more run.
func (o *testOptions) follow(c *cobra.Command, path string) error {
	ctx, cancel := context.WithCancel(c.Context())
	defer cancel()
	sets, ended := make(chan source.Set, 1), make(chan error, 1)
	go func() {
		ended <- dir.New(dir.Config{Dir: path, Decode: project.Decode}).Run(ctx, func(s source.Set) {
			select {
			case <-sets: // nobody has taken the earlier one
			default:
			}
			sets <- s
		})
	}()
	for {
		select {
		case set := <-sets:
			if *o.output != "json" {
				fmt.Fprintf(c.OutOrStdout(), "--- %s at %s\n", path, time.Now().Format(time.TimeOnly))
			}
			noteStale(c, path, set.Specs)
			docs := load.Documents{Specs: slices.Clone(set.Specs), Errors: set.Errors}
			if set.Unavailable != nil {
				docs.Errors = []*spec.Error{set.Unavailable}
			}
			// A failure is printed, and the next change may mend it.
			if err := o.once(c, docs); err != nil && err != command.ErrReported && ctx.Err() == nil { //nolint:errorlint // it is the very error
				command.Report(c.ErrOrStderr(), err, *o.output == "json")
			}
		case err := <-ended:
			if c.Context().Err() != nil {
				return nil
			}
			return err
		}
	}
}
