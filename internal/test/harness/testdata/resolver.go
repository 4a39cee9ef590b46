package main

import (
	"context"
	"net"
	"os"
)

// The program as it is, but for whom it asks for names: harness.DNS. It is built with this
// file laid over its main package, which has no such setting.
var _ = askTestServer()

func askTestServer() bool {
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", os.Getenv("HARNESS_DNS"))
	}}
	return true
}
