package server

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/apiclient"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
)

func newRollout() *cobra.Command {
	c := &cobra.Command{
		Use:   "rollout COMMAND NAME",
		Short: "Steer the rollout of a filter's newest revision",
		Long: `Rollout steers how a filter's newest revision gets to all Envoys: wave by wave, as rollout
in its spec says. wasm-xds status NAME shows how far it is, and for whom it waits. The
server notes who did what, by the name of the token, in its log and in the history.`,
		Example: `  wasm-xds rollout pause auth --reason "the nightly batch runs"
  wasm-xds rollout promote auth`,
		Args: command.NoSuchCommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newPromote(), newPause(), newResume(), newAbort())
	return c
}

func newPromote() *cobra.Command {
	c := &cobra.Command{
		Use:   "promote NAME",
		Short: "Go on with a rollout that waits, and skip the soak of its wave",
		Long: `Promote ends the wave under way, and has the next begin: the soak, the look at the health
and the pause of the wave do not count. Neither does what the wave waits for: a canary
that the spec's rollout.canary names and that is not connected, one that does not
answer, or one that was lost. One Envoy of each version still gets the revision before
the others do, and a refusal still stops the rollout. Promote ends a pause, too.

It holds for this revision, over restarts of the server too. A rollout that has
stopped is not promoted: see wasm-xds retry. While the server is frozen, no rollout is
promoted.`,
		Example: `  wasm-xds rollout promote auth
  wasm-xds rollout promote auth --wait 30s`,
	}
	return addSteer(c, apiclient.Client.Promote)
}

func newPause() *cobra.Command {
	return newHold(&cobra.Command{
		Use:   "pause NAME",
		Short: "Hold a rollout: no further Envoy gets the revision",
		Long: `Pause holds the rollout of a filter's newest revision, over restarts of the server too. The
Envoys that run the revision keep it, and no other Envoy gets it. A refusal or bad health
still takes it back. wasm-xds rollout resume or promote goes on.`,
		Example: `  wasm-xds rollout pause auth --reason "the nightly batch runs"`,
	}, apiclient.Client.Pause)
}

func newAbort() *cobra.Command {
	return newHold(&cobra.Command{
		Use:   "abort NAME",
		Short: "Stop a rollout: all Envoys get the stable revision",
		Long: `Abort stops the rollout of a filter's newest revision, or the watch after its promotion.
All Envoys get the stable revision. The revision stays refused until the module or its
configuration is edited, or until wasm-xds retry.`,
		Example: `  wasm-xds rollout abort auth --reason "wrong key" --wait 30s`,
	}, apiclient.Client.Abort)
}

// newHold completes a command with a reason.
func newHold(c *cobra.Command, do func(apiclient.Client, context.Context, string, string) (*api.Filter, error)) *cobra.Command {
	reason := c.Flags().String("reason", "", "why, for the record")
	command.Action(c.Flags(), "reason")
	return addSteer(c, func(server apiclient.Client, ctx context.Context, name string) (*api.Filter, error) {
		return do(server, ctx, name, *reason)
	})
}

func newResume() *cobra.Command {
	c := &cobra.Command{
		Use:   "resume NAME",
		Short: "Go on with a paused rollout",
		Long: `Resume ends a pause by wasm-xds rollout pause. The soak goes on where it was. A pause of the
spec (rollout: {pause: true}) ends with wasm-xds rollout promote.`,
		Example: `  wasm-xds rollout resume auth`,
	}
	return addSteer(c, apiclient.Client.Resume)
}
