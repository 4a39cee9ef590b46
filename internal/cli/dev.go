package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/wasm-xds/wasm-xds/internal/apiclient"
	"github.com/wasm-xds/wasm-xds/internal/bootstrap"
	"github.com/wasm-xds/wasm-xds/internal/serve"
)

// devOptions configures dev.
type devOptions struct {
	server serve.Config // of the directory to try
	log    logFlags
	envoy  bootstrap.Options // without the filters and the server's addresses
	binary string            // a path; "": dev looks for Envoy
}

// runDev serves a directory and runs an Envoy and an upstream for it, until ctx ends, which is not
// an error. Nothing is left behind at the end. stdout gets what is to be tried and each change,
// stderr the log.
func runDev(ctx context.Context, o devOptions, stdout, stderr io.Writer) (err error) {
	if err := isDirectory(o.server.Dir); err != nil {
		return err
	}
	binary, err := findEnvoy(ctx, o.binary, stderr)
	if err != nil {
		return err
	}
	place, err := os.MkdirTemp("", "wasm-xds-dev-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(place)
	if o.server.StateDir == "" {
		o.server.StateDir = filepath.Join(place, "state")
	}
	if err := portsFree(o.envoy.ListenAddress, o.envoy.TCPListenAddress, o.envoy.AdminAddress); err != nil {
		return err
	}
	out, log := &lockedWriter{w: stdout}, &lockedWriter{w: stderr}
	upstream, stopUpstream, err := startUpstream(o.envoy.UpstreamAddress)
	if err != nil {
		return err
	}
	defer stopUpstream()
	// When the server ends by itself, Envoy ends, too.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	addresses, stopServer := startServer(ctx, o, log, cancel)
	defer func() { err = cmp.Or(stopServer(), err) }()
	if addresses == nil {
		return nil // stopServer has the error
	}
	o.envoy.XDSAddress, o.envoy.ModulesAddress = addresses.XDS, addresses.Modules
	o.envoy.ModulesCluster, o.envoy.UpstreamAddress = o.server.ModulesCluster, upstream
	f := &follower{
		server: apiclient.New(addresses.Admin), dir: o.server.Dir,
		tries:  tries{http: o.envoy.ListenAddress, tcp: o.envoy.TCPListenAddress, admin: addresses.Admin},
		wiring: wiring{dir: place, options: o.envoy}, out: out,
	}
	if err := f.wire(ctx); err != nil {
		return err
	}
	run := envoyRun{binary, f.wiring.bootstrap(), filepath.Join(place, "envoy.log"), log}
	fmt.Fprintf(out, "Envoy %s starts with %s; its log is %s\n", binary, run.config, run.log)
	return withEnvoy(ctx, run, f.follow)
}

// startServer starts the server and waits until it listens. It returns nil for the addresses if
// ctx or the server has ended before. The server outlives ctx, so that Envoy ends cleanly: stop
// ends it and returns its error. ended is called when the server has ended.
func startServer(ctx context.Context, o devOptions, log io.Writer, ended func()) (addresses *serve.Addresses, stop func() error) {
	serving, cancel := context.WithCancel(context.WithoutCancel(ctx))
	started, result := make(chan serve.Addresses, 1), make(chan error, 1)
	cfg := o.server
	cfg.Started = func(a serve.Addresses) { started <- a }
	go func() {
		defer ended()
		result <- runServe(serving, cfg, o.log.logger(log))
	}()
	stop = func() error {
		cancel()
		return <-result
	}
	select {
	case <-ctx.Done():
		return nil, stop
	case a := <-started:
		return &a, stop
	}
}
