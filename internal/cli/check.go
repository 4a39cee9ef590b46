package cli

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/admin"
	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func newCheck() *cobra.Command {
	c := &cobra.Command{
		Use:   "check PATH...",
		Short: "Check spec files and directories without serving them",
		Long: `Check reads specs, brings their modules (from files and URLs) and prints every
problem with its place and what to do. It needs no running server and changes
nothing. It exits with 1 when there is a problem.`,
		Example: `  wasm-xds check filters/
  wasm-xds check auth.yaml -o json`,
		Args: arguments(1, -1, "a spec file or a directory"),
	}
	output := outputFlag(c, "text", "json")
	c.RunE = func(c *cobra.Command, args []string) error {
		docs := loadPaths(c.Context(), args)
		var good []resolved
		err := withStore(func(store *module.Store) (err error) {
			good, err = docs.resolve(c.Context(), store)
			return err
		})
		if err != nil {
			return err
		}
		if *output == "json" {
			printJSON(c.OutOrStdout(), checkJSON(good, docs.errors))
		} else {
			printChecked(c.OutOrStdout(), good, docs.errors)
		}
		if len(docs.errors) > 0 {
			return errSilent
		}
		return nil
	}
	return c
}

// checked is a filter without a problem.
type checked struct {
	Name     string       `json:"name"`
	Type     string       `json:"type"`
	Revision string       `json:"revision"`
	Module   admin.Module `json:"module"`
	File     string       `json:"file"`
	Line     int          `json:"line"`
}

type checkResult struct {
	OK      bool           `json:"ok"`
	Filters []checked      `json:"filters"`
	Errors  []*admin.Error `json:"errors"`
}

func checkJSON(good []resolved, problems []*spec.Error) checkResult {
	r := checkResult{OK: len(problems) == 0, Filters: []checked{}, Errors: []*admin.Error{}}
	for _, one := range good {
		r.Filters = append(r.Filters, checked{
			Name: one.spec.Name, Type: string(one.spec.Type), Revision: one.revision.ID,
			Module: admin.Module(one.revision.Module), File: one.spec.File, Line: one.spec.Line,
		})
	}
	for _, e := range problems {
		r.Errors = append(r.Errors, admin.FromSpec(e))
	}
	return r
}

func printChecked(w io.Writer, good []resolved, problems []*spec.Error) {
	var lines sourceLines
	for _, e := range problems {
		printProblem(w, &lines, e)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, one := range good {
		m := one.revision.Module
		fmt.Fprintf(table, "ok\t%s\t%s\trevision %s\tsha256 %s\t%s\n",
			one.spec.Name, one.spec.Type, one.revision.ID, m.SHA256, byteCount(m.Size))
	}
	_ = table.Flush() // a closed output is nobody's problem
	switch {
	case len(problems) > 0:
		fmt.Fprintf(w, "%s, %d ok\n", plural(len(problems), "problem"), len(good))
	case len(good) == 0:
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
