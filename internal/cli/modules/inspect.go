package modules

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/internal/preflight/rootid"
	"github.com/wasm-xds/wasm-xds/internal/preflight/static"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
)

func newInspect() *cobra.Command {
	var all bool
	c := &cobra.Command{
		Use:   "inspect MODULE",
		Short: "Show what a Wasm module is made of, and which Envoys can load it",
		Long: `Inspect shows what a Wasm module tells of itself: its ABI, the language and the
toolchain that made it, its sections, imports and exports, what it needs of Envoy,
and the capabilities that a spec would list for it. A module that asks for its root id
runs in the sandbox, which finds out under which ids it does something. Whether a
module starts with its configuration is shown by wasm-xds check. It exits with 1 when no Envoy could load it.`,
		Example: `  wasm-xds inspect filter.wasm
  wasm-xds inspect filter.wasm -o json | jq .capabilities`,
		Args: command.Arguments(1, 1, "a Wasm file"),
	}
	c.Flags().BoolVar(&all, "all", false, "list the exports that Envoy does not know, too")
	output := command.OutputFlag(c, "text", "json")
	c.RunE = func(c *cobra.Command, args []string) error {
		module, err := readModule(args[0])
		if err != nil {
			return err
		}
		d, err := static.Describe(module)
		if p := (*finding.Problem)(nil); errors.As(err, &p) {
			return command.Failure(p.Code, args[0]+": "+p.Message, p.Hint)
		}
		if err != nil {
			return err
		}
		d.RootIDs = rootid.Of(c.Context(), module)
		if *output == "json" {
			display.JSON(c.OutOrStdout(), d)
		} else {
			printDescription(c.OutOrStdout(), d, all)
		}
		if len(d.Envoy) == 0 {
			return command.ErrReported
		}
		return nil
	}
	return c
}

func printDescription(w io.Writer, d static.Description, all bool) {
	table := display.Table(w)
	row := func(name, value string) { fmt.Fprintf(table, "%s\t%s\n", name, cmp.Or(value, "-")) }
	row("sha256", d.SHA256)
	row("size", display.Bytes(int64(d.Size)))
	row("abi", strings.Join(d.ABIs, ", "))
	row("language", d.Language)
	row("toolchain", strings.Join(d.Toolchain, ", "))
	if len(d.RootIDs) > 0 {
		row("root ids", strings.Join(quoted(d.RootIDs), ", "))
	}
	row("memory", memories(d.Memories))
	row("envoy", strings.Join(d.Envoy, ", "))
	_ = table.Flush() // a closed output is not reported

	printProblems(w, d.Problems)
	printSections(w, d.Sections)
	fmt.Fprintln(w, "\nimports")
	printFunctions(w, d.Imports)
	exports := d.Exports
	if !all {
		exports = slices.DeleteFunc(slices.Clone(exports), func(f static.DescribedFunction) bool { return !isCallback(f.Name) })
	}
	fmt.Fprintln(w, "\nexports")
	printFunctions(w, exports)
	if more := len(d.Exports) - len(exports); more > 0 {
		fmt.Fprintf(w, "  and %s that Envoy does not call, see --all\n", display.Plural(more, "other"))
	}
	fmt.Fprintf(w, "\ncapabilities: [%s]\n", strings.Join(d.Capabilities, ", "))
}

func quoted(all []string) []string {
	words := make([]string, len(all))
	for i, one := range all {
		words[i] = strconv.Quote(one)
	}
	return words
}

// isCallback says whether Envoy looks for an export of this name.
func isCallback(name string) bool {
	return strings.HasPrefix(name, "proxy_") || strings.HasPrefix(name, "envoy_") ||
		slices.Contains([]string{"malloc", "_initialize", "_start", "main", "__main_void"}, name)
}

func memories(all []static.DescribedMemory) string {
	var words []string
	for _, m := range all {
		text := display.Bytes(int64(m.Min) << 16)
		if m.Max != nil {
			text += " to " + display.Bytes(int64(*m.Max)<<16)
		}
		switch {
		case m.Imported:
			text += ", imported"
		case m.Export != "":
			text += fmt.Sprintf(", exported as %q", m.Export)
		default:
			text += ", not exported"
		}
		words = append(words, text)
	}
	return strings.Join(words, "; ")
}

func printProblems(w io.Writer, problems []static.DescribedProblem) {
	for _, p := range problems {
		fmt.Fprintf(w, "\nproblem: Envoy %s: %s [%s]\n", strings.Join(p.Envoy, ", "), p.Message, p.Code)
		for _, finding := range p.Findings {
			fmt.Fprintln(w, "  -", terminal.Printable(finding))
		}
		if p.Hint != "" {
			fmt.Fprintln(w, "  hint:", p.Hint)
		}
	}
}

func printSections(w io.Writer, sections []static.DescribedSection) {
	fmt.Fprintln(w, "\nsections")
	bySize := slices.Clone(sections)
	slices.SortStableFunc(bySize, func(a, b static.DescribedSection) int { return b.Size - a.Size })
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, s := range bySize {
		fmt.Fprintf(table, "  %s\t  %s\n", display.Bytes(int64(s.Size)), terminal.Printable(s.Name))
	}
	_ = table.Flush() // a closed output is not reported
}

func printFunctions(w io.Writer, functions []static.DescribedFunction) {
	table := display.Table(w)
	for _, f := range functions {
		name := f.Name
		if f.Module != "" {
			name = f.Module + "." + name
		}
		missing := ""
		if len(f.Missing) > 0 {
			missing = "\tnot in Envoy " + strings.Join(f.Missing, ", ")
		}
		fmt.Fprintf(table, "  %s\t%s%s\n", terminal.Printable(name), f.Signature, missing)
	}
	_ = table.Flush() // a closed output is not reported
}
