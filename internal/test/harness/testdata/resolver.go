package main

import (
	"context"
	"net"
	"os"
)

// This file makes the program use harness.DNS as its name server. The build adds the file to the
// main package, which has no option for the name server.
var _ = askTestServer()

func askTestServer() bool {
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", os.Getenv("HARNESS_DNS"))
	}}
	return true
}
