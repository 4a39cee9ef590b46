// Command wasm-xds is a control plane for Envoy's Wasm filters.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/wasm-xds/wasm-xds/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go func() {
		<-ctx.Done()
		stop() // a second signal ends the process at once
	}()
	os.Exit(cli.Run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
