// Package dev is a server, an Envoy and an upstream for trying the filters of a directory.
//
// [Run] starts them in this order: find.go finds an Envoy or fetches one, upstream.go answers the
// requests that Envoy forwards, wiring.go writes Envoy's configuration, and process.go runs Envoy,
// and log.go shows the important lines of Envoy's log. Then follow.go follows the server: it wires
// new specs into Envoy, and prints the changes that report.go finds in each view. report.go is
// pure.
package dev

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/wasm-xds/wasm-xds/internal/apiclient"
	"github.com/wasm-xds/wasm-xds/internal/bootstrap"
	"github.com/wasm-xds/wasm-xds/internal/cli/serveflags"
	"github.com/wasm-xds/wasm-xds/internal/serve"
)

// Options configures dev.
type Options struct {
	Server serve.Config // of the directory to try
	Log    serveflags.Log
	Envoy  bootstrap.Options // without the filters and the server's addresses
	Binary string            // a path; "": dev looks for Envoy
}

// Run serves a directory and runs an Envoy and an upstream for it, until ctx ends, which is not
// an error. Nothing is left behind at the end. stdout gets the requests to try and each change,
// stderr the log.
func Run(ctx context.Context, o Options, stdout, stderr io.Writer) (err error) {
	if err := isDirectory(o.Server.Dir); err != nil {
		return err
	}
	binary, err := findEnvoy(ctx, o.Binary, stderr)
	if err != nil {
		return err
	}
	place, err := os.MkdirTemp("", "wasm-xds-dev-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(place)
	if o.Server.StateDir == "" {
		o.Server.StateDir = filepath.Join(place, "state")
	}
	if err := portsFree(o.Envoy.ListenAddress, o.Envoy.TCPListenAddress, o.Envoy.AdminAddress); err != nil {
		return err
	}
	out, log := &lockedWriter{w: stdout}, &lockedWriter{w: stderr}
	upstream, stopUpstream, err := startUpstream(o.Envoy.UpstreamAddress)
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
	o.Envoy.XDSAddress, o.Envoy.ModulesAddress = addresses.XDS, addresses.Modules
	o.Envoy.ModulesCluster, o.Envoy.UpstreamAddress = o.Server.ModulesCluster, upstream
	f := &follower{
		server: apiclient.New(apiclient.Config{Address: addresses.Admin}), dir: o.Server.Dir,
		tries:  tries{http: o.Envoy.ListenAddress, tcp: o.Envoy.TCPListenAddress, admin: addresses.Admin},
		wiring: wiring{dir: place, options: o.Envoy}, out: out,
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
func startServer(ctx context.Context, o Options, log io.Writer, ended func()) (addresses *serve.Addresses, stop func() error) {
	serving, cancel := context.WithCancel(context.WithoutCancel(ctx))
	started, result := make(chan serve.Addresses, 1), make(chan error, 1)
	cfg := o.Server
	cfg.Started = func(a serve.Addresses) { started <- a }
	go func() {
		defer ended()
		result <- serveflags.Run(serving, cfg, o.Log.Logger(log))
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
