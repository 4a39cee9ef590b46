package inflow

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"golang.org/x/time/rate"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"

	"github.com/wasm-xds/wasm-xds/internal/address"
)

// Guard bounds the connections of a gRPC server. Any goroutine may call the methods.
type Guard struct {
	limits  Limits
	reached func(Reached)
	hosts   hosts // the rates of streams
	names   hosts // the rates of names without a spec
	pool    pool
}

// New returns a guard. reached is called whenever a client reaches a limit, from the goroutine of a
// connection or a stream.
func New(limits Limits, reached func(Reached)) *Guard {
	limits = limits.WithDefaults()
	return &Guard{
		limits: limits, reached: reached, hosts: hosts{perSecond: limits.HostOpens},
		names: hosts{perSecond: limits.HostNames},
		pool:  pool{most: limits.Held, mostPerHost: limits.HostHeld, patience: limits.Patience},
	}
}

// Watch closes the connections that hold bytes for too long, until ctx ends.
func (g *Guard) Watch(ctx context.Context) {
	const looks = 5
	ticker := time.NewTicker(g.limits.Patience / looks)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			for _, one := range g.pool.late(now) {
				one.end()
				g.fine(one.host, now)
				g.reached(Reached{Patience, int64(g.limits.Patience / time.Second), one.client})
			}
		}
	}
}

// Credentials are the given ones, with the guard behind each handshake.
func (g *Guard) Credentials(inner credentials.TransportCredentials) credentials.TransportCredentials {
	return guarded{inner, g}
}

type guarded struct {
	credentials.TransportCredentials
	guard *Guard
}

// ServerHandshake implements [credentials.TransportCredentials]. The handshake of a host with too
// many new connections waits.
func (c guarded) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	client := address.Client(raw.RemoteAddr())
	host := c.guard.hosts.of(HostOf(client), time.Now())
	wait, may := reserve(host, 1, time.Now())
	if wait > 0 {
		c.guard.reached(Reached{HostOpens, int64(c.guard.limits.HostOpens), client})
	}
	if !may {
		_ = raw.Close() // the client sees a closed connection in any case
		return nil, nil, errTooFast
	}
	time.Sleep(wait)
	inner, info, err := c.TransportCredentials.ServerHandshake(raw)
	if err != nil {
		return inner, info, err
	}
	guarded := c.guard.wrap(inner, client, host)
	if used, ok := raw.(Used); ok {
		guarded.used = used
	}
	return guarded, info, nil
}

// Used is a connection that wants to know when a stream begins, and when it ends.
type Used interface {
	Begin()
	End()
}

// unnoticed is a connection that does not want to know.
type unnoticed struct{}

func (unnoticed) Begin() {}
func (unnoticed) End()   {}

var errTooFast = errors.New("the host connects too fast")

// Clone implements [credentials.TransportCredentials].
func (c guarded) Clone() credentials.TransportCredentials {
	return guarded{c.TransportCredentials.Clone(), c.guard}
}

func (g *Guard) wrap(inner net.Conn, client string, host *rate.Limiter) *conn {
	c := &conn{Conn: inner, guard: g, host: host, own: newRate(g.limits.ConnectionOpens), used: unnoticed{}, closed: make(chan struct{})}
	c.held.client, c.held.host, c.held.end = client, HostOf(client), func() { _ = c.Close() }
	g.pool.enter(&c.held)
	return c
}

// conn is a connection behind the handshake. gRPC reads the connection from a single goroutine.
type conn struct {
	net.Conn
	guard     *Guard
	own, host *rate.Limiter
	frames    frames
	held      held
	used      Used
	once      sync.Once
	closed    chan struct{}
}

// Read reads, and waits if the client opens streams too fast.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	opened, data := c.frames.read(p[:n])
	now := time.Now()
	if data > 0 {
		c.hold(data, now)
	}
	if opened > 0 {
		c.pace(opened, now)
	}
	return n, err
}

func (c *conn) hold(bytes int, now time.Time) {
	goes, why := c.guard.pool.add(&c.held, bytes, now)
	if goes == nil {
		return
	}
	goes.end()
	most := c.guard.limits.Held
	if why == HostHeld {
		most = c.guard.limits.HostHeld
	}
	c.guard.fine(goes.host, now)
	c.guard.reached(Reached{why, most, goes.client})
}

// fine takes a tenth of a second's streams from a host of which a connection was closed. So after
// many closed connections, a host connects more and more slowly.
func (g *Guard) fine(host string, now time.Time) {
	const part = 10
	reserve(g.hosts.of(host, now), max(1, g.limits.HostOpens/part), now)
}

// pace waits until the client may have opened so many streams, or disconnects the client.
func (c *conn) pace(opened int, now time.Time) {
	limit, most := ConnectionOpens, c.guard.limits.ConnectionOpens
	wait, may := reserve(c.own, opened, now)
	if may {
		var all time.Duration
		if all, may = reserve(c.host, opened, now); all > wait {
			wait, limit, most = all, HostOpens, c.guard.limits.HostOpens
		}
	}
	if wait <= 0 {
		return
	}
	c.guard.reached(Reached{limit, int64(most), c.held.client})
	if !may {
		_ = c.Close() // gRPC closes the connection again
		return
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.closed:
	}
}

// Close closes the connection.
func (c *conn) Close() error {
	c.once.Do(func() {
		close(c.closed)
		c.guard.pool.leave(&c.held)
	})
	return c.Conn.Close()
}

// RemoteAddr is the address of the client. gRPC hands the address to the handlers, and [From] takes
// the connection out of the address.
func (c *conn) RemoteAddr() net.Addr { return clientAddr{c.Conn.RemoteAddr(), c} }

type clientAddr struct {
	net.Addr
	conn *conn
}

// Stream is a stream's share of the connection. The zero value belongs to no guarded connection,
// and the methods do nothing. Any goroutine may call the methods.
type Stream struct{ conn *conn }

// From returns the stream of a handler's context. The handler calls [Stream.Close] at the end.
func From(ctx context.Context) Stream {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return Stream{}
	}
	a, ok := p.Addr.(clientAddr)
	if !ok {
		return Stream{}
	}
	a.conn.guard.pool.open(&a.conn.held)
	a.conn.used.Begin()
	return Stream{a.conn}
}

// Hold counts bytes of an earlier request that wait again.
func (s Stream) Hold(bytes int) {
	if s.conn != nil {
		s.conn.hold(bytes, time.Now())
	}
}

// Release subtracts the bytes of taken requests.
func (s Stream) Release(bytes int) {
	if s.conn != nil {
		s.conn.guard.pool.take(&s.conn.held, bytes, time.Now())
	}
}

// AwaitNames waits until the stream's host may ask for n names without a spec. false: ctx has ended
// before.
func (s Stream) AwaitNames(ctx context.Context, n int) bool {
	if s.conn == nil {
		return true
	}
	g, now := s.conn.guard, time.Now()
	names := g.names.of(s.conn.held.host, now)
	taken := names.ReserveN(now, min(n, names.Burst()))
	wait := taken.DelayFrom(now)
	if wait <= 0 {
		return true
	}
	g.reached(Reached{HostNames, int64(g.limits.HostNames), s.conn.held.client})
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		taken.Cancel()
		return false
	}
}

// Close ends the stream.
func (s Stream) Close() {
	if s.conn != nil {
		s.conn.guard.pool.close(&s.conn.held)
		s.conn.used.End()
	}
}
