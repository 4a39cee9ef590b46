package specs

import (
	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/schema"
)

func newSchema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of a spec",
		Long: `Schema prints the JSON Schema of a spec, of draft 2020-12. Editors complete and
check specs with it. This comment at the beginning of a spec names the published
schema, and init and add write it:

  # yaml-language-server: $schema=` + schema.URL,
		Example: `  wasm-xds schema > spec.schema.json`,
		Args:    command.Arguments(0, 0, ""),
		RunE: func(c *cobra.Command, _ []string) error {
			text, err := schema.JSON()
			if err != nil {
				return err
			}
			_, err = c.OutOrStdout().Write(text)
			return err
		},
	}
}
