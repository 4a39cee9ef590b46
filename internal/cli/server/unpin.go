package server

import (
	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/apiclient"
)

func newUnpin() *cobra.Command {
	c := &cobra.Command{
		Use:   "unpin NAME",
		Short: "End a rollback: serve what the spec describes",
		Long: `Unpin ends the rollback of a filter, pinned or not. What the spec describes is rolled out,
as an edit is; a revision that all Envoys ran before goes to all as soon as it loads.`,
		Example: `  wasm-xds unpin auth --wait 30s`,
	}
	return addSteer(c, apiclient.Client.Unpin)
}
