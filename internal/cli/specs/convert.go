package specs

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/reason"
	"github.com/wasm-xds/wasm-xds/internal/regular"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// maxConverted is larger than any file that Convert takes, in bytes.
const maxConverted = 8 << 20

func newConvert() *cobra.Command {
	c := &cobra.Command{
		Use:   "convert FILE...",
		Short: "Turn documents of Istio, Envoy Gateway, wasme and Envoy into specs",
		Long: `Convert prints native specs for the documents of other systems: WasmPlugin,
TrafficExtension and EnvoyFilter of Istio, EnvoyExtensionPolicy of Envoy Gateway,
FilterDeployment of wasme, and the Wasm filters in an Envoy's configuration, in YAML
or JSON. FILE is - for standard input.

A comment that begins with "decide:" stands where a person has to decide: a field
that has no effect here, one that a spec cannot obey, or one that is missing.

The documents also work as they are, without a conversion.`,
		Example: `  wasm-xds convert wasmplugin.yaml > filters/auth.yaml
  kubectl get wasmplugin auth -o yaml | wasm-xds convert -`,
		Args: command.Arguments(1, -1, "a file with a document of another system, or -"),
	}
	output := command.OutputFlag(c, "yaml", "json")
	c.RunE = func(c *cobra.Command, args []string) error {
		conversions := []conversion{}
		var lines display.SourceLines
		failed := false
		for _, path := range args {
			all, errs := convertFile(c.InOrStdin(), path)
			for _, e := range errs {
				display.Problem(c.ErrOrStderr(), &lines, e)
				failed = true
			}
			conversions = append(conversions, all...)
		}
		if *output == "json" {
			display.JSON(c.OutOrStdout(), conversions)
		} else {
			for i, one := range conversions {
				if i > 0 {
					fmt.Fprintln(c.OutOrStdout(), "---")
				}
				fmt.Fprint(c.OutOrStdout(), one.Text)
			}
		}
		if failed {
			return command.ErrReported
		}
		return nil
	}
	return c
}

// conversion is a converted filter.
type conversion struct {
	Name string `json:"name"`
	File string `json:"file"`
	Line int    `json:"line"`
	Text string `json:"text"`
}

func convertFile(stdin io.Reader, path string) ([]conversion, []*spec.Error) {
	text, err := readFileOr(stdin, path)
	if err != nil {
		return nil, []*spec.Error{{Code: "path_unreadable", Message: reason.Of(err), Pos: spec.Position{File: path}}}
	}
	natives, errs, _ := spec.Convert(path, text)
	if len(natives) == 0 && len(errs) == 0 {
		errs = append(errs, &spec.Error{
			Code: "nothing_to_convert", Message: "the file has no document of another system",
			Hint: "a native spec needs no conversion", Pos: spec.Position{File: path},
		})
	}
	var all []conversion
	for _, one := range natives {
		all = append(all, conversion{one.Name, path, one.Line, one.Text})
	}
	return all, errs
}

// readFileOr reads a file, or standard input for -.
func readFileOr(stdin io.Reader, path string) ([]byte, error) {
	if path != "-" {
		return regular.Read(path, maxConverted)
	}
	return io.ReadAll(io.LimitReader(stdin, maxConverted))
}
