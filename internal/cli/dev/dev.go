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
	"github.com/wasm-xds/wasm-xds/internal/kit/project"
	"github.com/wasm-xds/wasm-xds/internal/serve"
)

// Options configures dev.
type Options struct {
	Server serve.Config // of the directory to try
	Log    serveflags.Log
	Envoy  bootstrap.Options // without the filters and the server's addresses
	Binary string            // a path; "": dev looks for Envoy
	// Requests are sent after each change.
	Requests []Request
	// Upstream is the URL of the service to forward to: http, https or tcp; "": dev's own upstream.
	Upstream string
	// Bootstrap is the file with the user's own Envoy configuration; "": dev makes one.
	Bootstrap string
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
	out, log := &lockedWriter{w: stdout}, &lockedWriter{w: stderr}
	w, stopUpstream, err := newWiring(&o, place, out)
	if err != nil {
		return err
	}
	defer stopUpstream()
	builder, label := newBuilder(ctx, o.Server.Dir, out), ""
	if builder != nil {
		label = "live   | "
		o.Server.Decode, o.Server.Examined = project.Decode, tested(out)
		if err := builder.first(ctx); err != nil {
			return err
		}
	}
	// When the server ends by itself, Envoy ends, too.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	addresses, stopServer := startServer(ctx, o, log, cancel)
	defer func() { err = cmp.Or(stopServer(), err) }()
	if addresses == nil {
		return nil // stopServer has the error
	}
	w.connect(*addresses)
	f := &follower{
		server: apiclient.New(apiclient.Config{Address: addresses.Admin}), dir: o.Server.Dir,
		tries: tries{admin: addresses.Admin}, answers: answers{requests: o.Requests},
		wiring: w, label: label, out: out,
	}
	if err := f.wire(ctx); err != nil {
		return err
	}
	run := envoyRun{binary, f.wiring.bootstrap(), filepath.Join(place, "envoy.log"), log}
	fmt.Fprintf(out, "Envoy %s starts with %s; its log is %s\n", binary, run.config, run.log)
	if builder == nil {
		return withEnvoy(ctx, run, f.follow)
	}
	return withEnvoy(ctx, run, func(ctx context.Context) error {
		watching, cancel := context.WithCancel(ctx)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			builder.watch(watching)
		}()
		defer func() {
			cancel()
			<-ended
		}()
		return f.follow(ctx)
	})
}

// newWiring returns the wiring of the options, after its ports are known to be free, and starts the
// upstream that the wiring needs.
func newWiring(o *Options, place string, out io.Writer) (w wiring, stop func(), err error) {
	nothing := func() {}
	o.Envoy.ModulesCluster = o.Server.ModulesCluster
	if o.Bootstrap != "" {
		own, err := readOwn(o.Bootstrap, place, o.Envoy, out)
		return own, nothing, err
	}
	if err := portsFree(o.Envoy.ListenAddress, o.Envoy.TCPListenAddress, o.Envoy.AdminAddress); err != nil {
		return nil, nothing, err
	}
	o.Envoy.UpstreamAddress, stop, err = startUpstream(o.Envoy.UpstreamAddress, o.Upstream)
	return &generated{dir: place, options: o.Envoy}, stop, err
}

// startServer starts the server and waits until it listens. It returns nil for the addresses if
// ctx or the server has ended before. The server outlives ctx, so Envoy ends cleanly: stop
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
