package main

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// attack is an attack under way. Any goroutine may call the methods.
type attack struct {
	xds, modules, admin string // host:port
	filter              string // a filter with a spec
	n                   int    // connections, or whatever the attack counts
	most                int64  // the end of an attack with a known end; 0: none
	dialer              net.Dialer

	opened, refused, streams, names atomic.Int64
	inSwing                         sync.Once
	ready                           func()
}

// counts are the totals of an attack.
type counts struct {
	Opened  int64 `json:"opened"`  // connections
	Refused int64 `json:"refused"` // connections that could not be made, or that the server ended
	Streams int64 `json:"streams"`
	Names   int64 `json:"names"`
}

// dial opens a connection, which is closed with ctx.
func (a *attack) dial(ctx context.Context, address string) (net.Conn, error) {
	conn, err := a.dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		a.refused.Add(1)
		return nil, err
	}
	a.opened.Add(1)
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // no TIME_WAIT: the ports of loopback are few
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	return &closing{conn, stop}, nil
}

// closing is a connection that is no longer closed with a context once it is closed.
type closing struct {
	net.Conn
	stop func() bool
}

func (c *closing) Close() error {
	c.stop()
	return c.Conn.Close()
}

// each runs f in n goroutines, again and again until ctx ends. After a failure a goroutine rests.
func (a *attack) each(ctx context.Context, f func(ctx context.Context, i int) error) {
	var all sync.WaitGroup
	for i := range a.n {
		all.Go(func() {
			for ctx.Err() == nil && !a.isOver() {
				if f(ctx, i) != nil {
					rest(ctx, 100*time.Millisecond)
				}
			}
		})
	}
	all.Wait()
}

// isOver says whether an attack with an end has come to its end.
func (a *attack) isOver() bool { return a.most != 0 && max(a.streams.Load(), a.names.Load()) >= a.most }

func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
