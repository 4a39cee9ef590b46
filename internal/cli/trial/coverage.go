package trial

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/internal/preflight/runner"
	"github.com/wasm-xds/wasm-xds/internal/preflight/wasmbin"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
)

// Cover sets the coverage of the filters that load, from the results of their tests.
func Cover(store *module.Store, filters []Filter) error {
	for i := range filters {
		one := &filters[i]
		if len(one.Problems) > 0 {
			continue
		}
		code, err := store.Read(one.Revision.Module.SHA256)
		if err != nil {
			return err
		}
		m, err := wasmbin.Parse(code)
		if err != nil {
			continue // a filter that is built into Envoy
		}
		covered := runner.Cover(one.Spec.Type, m, one.Tests)
		one.coverage = &covered
	}
	return nil
}

// LeastCoverage names the filters with a coverage below a percentage, sorted.
func (r Outcome) LeastCoverage(percent int) (below []string) {
	for _, one := range r.Filters {
		if one.coverage != nil && one.coverage.Percent < percent {
			below = append(below, one.Spec.Name)
		}
	}
	slices.Sort(below)
	return below
}

// printCoverage prints the coverage of a filter, and the functions without a run.
func printCoverage(w io.Writer, e Filter) {
	c := e.coverage
	if c == nil {
		return
	}
	part := func(r runner.Reached, what string) string {
		n := len(r.Reached)
		return fmt.Sprintf("%d of %s", n, display.Plural(n+len(r.Never), what))
	}
	fmt.Fprintf(w, "coverage of %s: %d%%, %s and %s\n", terminal.Printable(e.Spec.Name), c.Percent,
		part(c.Callbacks, "callback"), part(c.HostFunctions, "host function"))
	for _, never := range []struct {
		words string
		names []string
	}{{"never run", c.Callbacks.Never}, {"never called", c.HostFunctions.Never}} {
		if len(never.names) > 0 {
			fmt.Fprintf(w, "  %s: %s\n", never.words, terminal.Printable(strings.Join(never.names, ", ")))
		}
	}
}
