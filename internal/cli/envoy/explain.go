package envoy

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/preflight/cause"
	"github.com/wasm-xds/wasm-xds/internal/reason"
)

func newExplain() *cobra.Command {
	c := &cobra.Command{
		Use:   "explain [TEXT...]",
		Short: "Say what a line of Envoy's log, or a refusal, means",
		Long: `Explain reads what Envoy has said, a line as arguments or a whole log on standard
input, and says what it means and what to do. Lines that it has nothing to say of
are skipped. It exits with 1 when that is all of them.`,
		Example: `  wasm-xds explain Unable to create Wasm plugin auth
  wasm-xds explain < envoy.log
  docker logs envoy 2>&1 | wasm-xds explain -o json`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	output := command.OutputFlag(c, "text", "json")
	c.RunE = func(c *cobra.Command, args []string) error {
		in := c.InOrStdin()
		if len(args) > 0 && (len(args) > 1 || args[0] != "-") {
			in = strings.NewReader(strings.Join(args, " "))
		}
		found, err := cause.Explain(in)
		if err != nil {
			return command.Failure("input_unreadable", "the input cannot be read: "+reason.Of(err), "")
		}
		if *output == "json" {
			display.JSON(c.OutOrStdout(), map[string][]explained{"explanations": inTheAPIsWords(found)})
		} else {
			printExplanations(c.OutOrStdout(), found)
		}
		if len(found) == 0 {
			if *output != "json" {
				fmt.Fprintln(c.ErrOrStderr(), "wasm-xds: nothing here is known to explain")
				fmt.Fprintln(c.ErrOrStderr(), "  hint: give it the lines of Envoy's log around the refusal; they are of the loggers wasm and config")
			}
			return command.ErrReported
		}
		return nil
	}
	return c
}

// explained is an explanation with the field names of the API's errors, beside the older field
// names.
type explained struct {
	cause.Explanation
	Message string `json:"message"` // the meaning
	Hint    string `json:"hint"`    // the next step
}

func inTheAPIsWords(found []cause.Explanation) []explained {
	all := []explained{}
	for _, e := range found {
		all = append(all, explained{Explanation: e, Message: e.Means, Hint: e.Do})
	}
	return all
}

func printExplanations(w io.Writer, found []cause.Explanation) {
	for i, e := range found {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintln(w, e.Text)
		if e.Count > 1 {
			fmt.Fprintf(w, "  (line %d, and %s like it)\n", e.Line, display.Plural(e.Count-1, "more line"))
		}
		fmt.Fprintf(w, "  means: %s [%s]\n", e.Means, e.Code)
		fmt.Fprintln(w, "  hint:", e.Do)
		if e.See != "" {
			fmt.Fprintf(w, "  more:  docs/envoy-behaviour.md, %q\n", strings.ReplaceAll(e.See, "`", ""))
		}
	}
}
