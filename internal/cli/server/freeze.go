package server

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/apiclient"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
)

func newFreeze() *cobra.Command {
	c := &cobra.Command{
		Use:   "freeze COMMAND",
		Short: "Hold all rollouts of a server",
		Long: `Freeze has a running server give no revision to further Envoys, over restarts of the
server too: no rollout begins, and none goes on. Revisions that all Envoys ran before
pass, so a rollback is never held. Disabling a filter and removing a spec pass, too.
A filter without an earlier revision is not served until the freeze ends.`,
		Example: `  wasm-xds freeze on --reason "sale until Monday"
  wasm-xds freeze status
  wasm-xds freeze off`,
		Args: command.NoSuchCommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newFreezeOn(), newFreezeOff(), newFreezeStatus())
	return c
}

func newFreezeOn() *cobra.Command {
	c := &cobra.Command{
		Use:     "on --reason TEXT",
		Short:   "Freeze the server",
		Long:    "On freezes the server. The reason stands in the status, in the log and on the page.",
		Example: `  wasm-xds freeze on --reason "sale until Monday"`,
		Args:    command.Arguments(0, 0, ""),
	}
	reason := c.Flags().String("reason", "", "why, for everybody who meets the freeze; required")
	command.Action(c.Flags(), "reason")
	return addFreeze(c, func(server apiclient.Client, ctx context.Context) (api.Freeze, error) {
		if *reason == "" {
			return api.Freeze{}, command.Usage(c, "--reason is missing: others will ask why the server is frozen")
		}
		return server.SetFreeze(ctx, *reason)
	})
}

func newFreezeOff() *cobra.Command {
	c := &cobra.Command{
		Use: "off", Short: "End the freeze", Long: "Off ends the freeze: rollouts go on where they were.",
		Example: "  wasm-xds freeze off", Args: command.Arguments(0, 0, ""),
	}
	return addFreeze(c, apiclient.Client.Thaw)
}

func newFreezeStatus() *cobra.Command {
	c := &cobra.Command{
		Use: "status", Short: "Show whether the server is frozen", Long: "Status shows whether the server is frozen, since when, by whom and why.",
		Example: "  wasm-xds freeze status", Args: command.Arguments(0, 0, ""),
	}
	return addFreeze(c, apiclient.Client.Freeze)
}

// addFreeze completes a command that changes or shows the freeze.
func addFreeze(c *cobra.Command, do func(apiclient.Client, context.Context) (api.Freeze, error)) *cobra.Command {
	question[api.Freeze]{
		Ask: func(ctx context.Context, server apiclient.Client, _ []string) (*api.Freeze, error) {
			f, err := do(server, ctx)
			if err != nil {
				return nil, err
			}
			return &f, nil
		},
		print: printFreeze,
	}.addTo(c)
	return c
}

func printFreeze(w io.Writer, f *api.Freeze) {
	if !f.Frozen {
		fmt.Fprintln(w, "the server is not frozen")
		return
	}
	text := "the server is frozen since " + f.At.Local().Format(time.DateTime)
	if f.By != "" {
		text += " by " + f.By
	}
	fmt.Fprintf(w, "%s: %s\n`wasm-xds freeze off` ends the freeze; a rollback is possible meanwhile\n", terminal.Printable(text), terminal.Printable(f.Reason))
}
