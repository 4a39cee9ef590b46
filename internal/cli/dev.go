package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/admin"
	"github.com/wasm-xds/wasm-xds/internal/bootstrap"
	"github.com/wasm-xds/wasm-xds/internal/serve"
)

// devOptions is what dev runs with.
type devOptions struct {
	serve     ServeConfig
	bootstrap bootstrap.Options
	envoy     string // path; "": to be found
}

func newDev() *cobra.Command {
	var o devOptions
	c := &cobra.Command{
		Use:   "dev DIR",
		Short: "Try the filters of a directory on an Envoy of their own",
		Long: `Dev serves DIR like serve does, and starts an Envoy wired for its filters and an
upstream that answers everything with a welcome and /echo with the request's
headers. When all filters are live it prints what to try. It ends with SIGINT or
SIGTERM, and leaves nothing behind.

The Envoy is that of --envoy, $ENVOY_PATH, the PATH, or .tools/envoy, where
scripts/get-envoy puts one. It gets the filters that DIR has when dev starts.`,
		Example: `  wasm-xds dev examples/envoy/filters`,
		Args:    arguments(1, 1, "a directory of specs"),
		RunE: func(c *cobra.Command, args []string) error {
			o.serve.Dir = args[0]
			if err := o.serve.validate(); err != nil {
				return usage(c, err.Error())
			}
			return runDev(c.Context(), o, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	o.serve.addFlags(c.Flags())
	addEnvoyFlags(c.Flags(), &o.bootstrap)
	c.Flags().StringVar(&o.envoy, "envoy", "", "`path` of the Envoy binary")
	c.Flags().Lookup("state-dir").Usage = "`directory` of the state (default one that is removed at the end)"
	c.Flags().Lookup("log-level").DefValue = "warn"
	o.serve.LogLevel = "warn"
	completeChoices(c)
	return c
}

func runDev(ctx context.Context, o devOptions, stdout, stderr io.Writer) (err error) {
	binary, err := findEnvoy(o.envoy)
	if err != nil {
		return err
	}
	place, err := os.MkdirTemp("", "wasm-xds-dev-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(place)
	if o.serve.StateDir == "" {
		o.serve.StateDir = filepath.Join(place, "state")
	}
	if err := portsFree(o.bootstrap.ListenAddress, o.bootstrap.TCPListenAddress, o.bootstrap.AdminAddress); err != nil {
		return err
	}
	out, log := &lockedWriter{w: stdout}, &lockedWriter{w: stderr}
	upstream, stopUpstream, err := startUpstream(o.bootstrap.UpstreamAddress)
	if err != nil {
		return err
	}
	defer stopUpstream()

	// The server outlives Envoy, so that Envoy ends in peace; and when the server
	// ends by itself, so does all.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	serving, stopServing := context.WithCancel(context.WithoutCancel(ctx))
	started, ended := make(chan serve.Addresses, 1), make(chan error, 1)
	o.serve.Started = func(a serve.Addresses) { started <- a }
	go func() {
		defer cancel()
		ended <- runServe(serving, o.serve, out, log)
	}()
	defer func() {
		stopServing()
		err = firstOf(<-ended, err)
	}()
	select {
	case <-ctx.Done():
		return nil
	case addresses := <-started:
		o.bootstrap.XDSAddress, o.bootstrap.ModulesAddress = addresses.XDS, addresses.Modules
		o.serve.AdminAddress = addresses.Admin
	}
	o.bootstrap.ModulesCluster, o.bootstrap.UpstreamAddress = o.serve.ModulesCluster, upstream
	config := filepath.Join(place, "envoy.yaml")
	if err := writeBootstrap(ctx, config, &o, log); err != nil {
		return err
	}
	fmt.Fprintf(out, "Envoy %s starts with %s; its log is %s\n", binary, config, filepath.Join(place, "envoy.log"))
	return withEnvoy(ctx, envoyRun{binary, config, filepath.Join(place, "envoy.log"), log}, func(ctx context.Context) error {
		return o.announce(ctx, out)
	})
}

// writeBootstrap writes Envoy's configuration; a spec with a problem is left out.
func writeBootstrap(ctx context.Context, path string, o *devOptions, stderr io.Writer) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	err = renderBootstrap(ctx, o.serve.Dir, &fetching{trust: o.serve.Trust, registries: o.serve.Registries}, o.bootstrap, file, stderr)
	if closed := file.Close(); closed != nil {
		return closed
	}
	if errors.Is(err, errSilent) {
		if info, statErr := os.Stat(path); statErr == nil && info.Size() > 0 {
			return nil // some specs are good; status tells of the others
		}
	}
	return err
}

// portsFree says so when one of Envoy's addresses is taken: Envoy itself would
// say it in the middle of its log.
func portsFree(addresses ...string) error {
	for _, address := range addresses {
		ln, err := net.Listen("tcp", address)
		if err != nil {
			return failure("address_in_use", "Envoy cannot listen on "+address+": "+shortReason(err),
				"end what uses it, or see the flags --listen-address, --tcp-listen-address and --envoy-admin-address")
		}
		if err := ln.Close(); err != nil {
			return err
		}
	}
	return nil
}

// announce waits until every filter is live, and prints what to try.
func (o *devOptions) announce(ctx context.Context, w io.Writer) error {
	server := client{address: o.serve.AdminAddress}
	var last *view
	told := ""
	err := server.onChange(ctx, func() error {
		v, err := server.view(ctx, "")
		if err != nil {
			return err
		}
		if last = v; v.live() {
			return errSettled
		}
		if now := v.troubles(); now != told {
			fmt.Fprint(w, now)
			told = now
		}
		return nil
	})
	if !errors.Is(err, errSettled) {
		return err
	}
	o.printTries(w, last)
	return nil
}

// live says whether every filter runs on an Envoy, and nothing is wrong.
func (v *view) live() bool {
	return !v.troubled() && !slices.ContainsFunc(v.filters, func(f admin.Filter) bool { return f.Condition != admin.ConditionLive })
}

// lockedWriter lets goroutines write whole lines.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
