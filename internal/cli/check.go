package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
	"github.com/wasm-xds/wasm-xds/internal/preflight/runner"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
	"github.com/wasm-xds/wasm-xds/pkg/translate"
)

// checkOptions are the flags of check.
type checkOptions struct {
	mode     examine.Mode
	versions []string // of Envoy, as given
	from     fetching
	profile  profileFlags
	host     hostEnv
	output   *string
}

func newCheck() *cobra.Command {
	o := checkOptions{mode: examine.Enforce}
	c := &cobra.Command{
		Use:   "check PATH|oci://BUNDLE...",
		Short: "Check spec files and directories without serving them",
		Long: `Check reads specs, brings their modules (from files, URLs and registries), runs each module in
a sandbox as Envoy would, with its configuration and the spec's tests, and prints
every problem with its place and what to do. It needs no running server and no
Envoy, and changes nothing. It exits with 1 when there is a problem.

With --profile it then sends the requests of each filter's tests through it, again
and again on one VM, and shows what a request costs: time in the filter, calls of host
functions, and memory that goes on growing.`,
		Example: `  wasm-xds check filters/
  wasm-xds check auth.yaml -o json
  wasm-xds check filters/ -o junit > report.xml
  wasm-xds check filters/ --envoy-version 1.36 --envoy-version 1.40
  wasm-xds check auth.yaml --host-env API_TOKEN=test
  wasm-xds check auth.yaml --profile`,
		Args: arguments(1, -1, "a spec file or a directory, or a bundle"),
	}
	o.output = outputFlag(c, "text", "json", "junit")
	choiceFlag(c, &o.mode, examine.Modes(), "preflight", "`mode` of the sandbox: "+list(examine.Modes())+"; warn shows what it finds, enforce makes it an error")
	f := c.Flags()
	f.StringSliceVar(&o.versions, "envoy-version", nil,
		"`version` of Envoy that has to load the modules, several times for several (default any one from "+oldest()+" to "+newest()+")")
	o.from.addFlags(f)
	o.profile.addFlags(f)
	o.host.addFlags(f)
	c.RunE = func(c *cobra.Command, args []string) error {
		how, err := o.validate(c)
		if err != nil {
			return err
		}
		return o.run(c, args, how)
	}
	return c
}

// validate returns the configuration of the sandbox.
func (o *checkOptions) validate(c *cobra.Command) (sandboxing, error) {
	versions, err := sandboxVersions(c, o.versions)
	if err == nil {
		err = o.profile.validate(c, o.mode)
	}
	if err != nil {
		return sandboxing{}, err
	}
	if err := o.from.trust.validate(); err != nil {
		return sandboxing{}, usage(c, err.Error())
	}
	values, err := o.host.values()
	if err != nil {
		return sandboxing{}, usage(c, err.Error())
	}
	return sandboxing{mode: o.mode, versions: versions, hostEnv: values}, nil
}

func (o *checkOptions) run(c *cobra.Command, paths []string, how sandboxing) error {
	ctx, stderr := c.Context(), c.ErrOrStderr()
	docs, done, err := loadSources(ctx, paths, &o.from, stderr)
	defer done()
	if err != nil {
		return err
	}
	var result checkOutcome
	err = withStore(func(store *module.Store) error {
		good, err := docs.resolve(ctx, store, o.from)
		if err != nil {
			return err
		}
		result, err = sandbox(ctx, store, good, how)
		if err == nil && o.profile.on {
			err = profileAll(ctx, stderr, store, result.filters, how.versions, profiling{requests: o.profile.requests, time: o.profile.time})
		}
		return err
	})
	if err != nil {
		return err
	}
	result.errors = docs.errors
	if err := result.print(c.OutOrStdout(), *o.output); err != nil {
		return err
	}
	if !result.ok() {
		return errSilent
	}
	return nil
}

func oldest() string { return envoy.Versions()[0] }

func newest() string { return envoy.Versions()[len(envoy.Versions())-1] }

// sandboxVersions are the versions as the sandbox names them.
func sandboxVersions(c *cobra.Command, versions []string) ([]string, error) {
	var all []string
	for _, text := range versions {
		v, _ := translate.ParseVersion(text) // an unparsable version is unknown, too
		known := fmt.Sprintf("%d.%d", v.Major, v.Minor)
		if !slices.Contains(envoy.Versions(), known) {
			return nil, usage(c, fmt.Sprintf("invalid --envoy-version %q: the sandbox knows %s", text, strings.Join(envoy.Versions(), ", ")))
		}
		if !slices.Contains(all, known) {
			all = append(all, known)
		}
	}
	return all, nil
}

// checkOutcome has the findings of check.
type checkOutcome struct {
	errors  []*spec.Error // of documents and their references
	filters []examined
	warn    bool // findings of the sandbox are warnings
}

// sandboxing configures the trial of filters.
type sandboxing struct {
	mode examine.Mode
	// versions are the Envoys that must load the filters. Empty: any known version must.
	versions []string
	hostEnv  map[string]string
}

func sandbox(ctx context.Context, store *module.Store, good []resolved, how sandboxing) (checkOutcome, error) {
	r := checkOutcome{warn: how.mode == examine.Warn}
	if how.mode == examine.Off {
		for _, one := range good {
			r.filters = append(r.filters, examined{resolved: one})
		}
		return r, nil
	}
	filters, err := examineAll(ctx, store, good, how)
	if ctx.Err() != nil {
		return r, errors.New("interrupted")
	}
	r.filters = filters
	return r, err
}

// problems counts the problems that make check fail.
func (r checkOutcome) problems() int {
	n := len(r.errors)
	for _, e := range r.filters {
		if !r.warn {
			n += len(e.Errors(e.spec))
		}
	}
	return n
}

func (r checkOutcome) ok() bool { return r.problems() == 0 }

func (r checkOutcome) print(w io.Writer, format string) error {
	switch format {
	case "json":
		printJSON(w, r.json())
	case "junit":
		return runner.WriteJUnit(w, r.suites())
	default:
		r.printText(w)
	}
	return nil
}

func (r checkOutcome) printText(w io.Writer) {
	var lines sourceLines
	for _, e := range r.errors {
		printProblem(w, &lines, e)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	good := 0
	for _, one := range r.filters {
		printExamined(w, &lines, one)
		if !one.OK() && !r.warn {
			continue
		}
		good++
		m, state, tests := one.revision.Module, "ok", ""
		if !one.OK() {
			state = "warn"
		}
		if n := len(one.Tests); n > 0 {
			tests = "\t" + plural(n-len(one.Failed())-len(one.Doubtful()), "test") + " passed"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\trevision %s\tsha256 %s\t%s%s\n",
			state, one.spec.Name, one.spec.Type, one.revision.ID, m.SHA256, byteCount(m.Size), tests)
	}
	_ = table.Flush() // a closed output is not reported
	for _, one := range r.filters {
		printProfile(w, one)
	}
	switch n := r.problems(); {
	case n > 0:
		fmt.Fprintf(w, "%s, %d ok\n", plural(n, "problem"), good)
	case len(r.filters) == 0:
		fmt.Fprintln(w, "no specs found: a spec is a .yaml or .yml file")
	}
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// byteCount is a size for people.
func byteCount(n int64) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%d B", n)
	case n < 1<<20:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	default:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
}
