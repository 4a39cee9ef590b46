// Profserve is wasm-xds with Go's profiler at $PROFILE_ADDRESS. Use profserve only for
// measurements. The product has no profiler.
//
//	go build -o /tmp/profserve ./test/bench/profserve
//	PROFILE_ADDRESS=127.0.0.1:6060 go run -C test ./bench/cmd/bench -only fanout -binary /tmp/profserve
package main

import (
	"context"
	"net/http"
	_ "net/http/pprof" // registers the profiler's handlers
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/cli"
)

func main() {
	runtime.SetBlockProfileRate(0)
	if address := os.Getenv("PROFILE_ADDRESS"); address != "" {
		server := &http.Server{Addr: address, ReadHeaderTimeout: time.Second}
		go func() { _ = server.ListenAndServe() }()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(cli.Run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
