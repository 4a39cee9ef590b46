package lobby

import (
	"net"
	"sync"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/address"
)

// Lobby is a listener within limits. Any goroutine may call the methods. Accept returns bare
// connections, and [Lobby.Streams] or [Lobby.HTTP] note how they are used.
type Lobby struct {
	net.Listener
	reached func(Reached)
	begin   sync.Once
	work    sync.WaitGroup
	ended   chan struct{}
	open    sync.Map // of *connection, by the socket

	mu      sync.Mutex
	counts  *counts
	ready   []net.Conn // came in, and are not accepted yet
	changed *sync.Cond // of ready and failure
	failure error      // of the listener, or of its end
}

// New bounds the connections of a listener. reached is called for each connection that a limit
// keeps out, or lets wait, from a goroutine of the lobby. Nothing is accepted before the first call
// of Accept.
func New(l net.Listener, limits Limits, reached func(Reached)) *Lobby {
	lobby := &Lobby{Listener: l, reached: reached, ended: make(chan struct{}), counts: newCounts(limits.WithDefaults())}
	lobby.changed = sync.NewCond(&lobby.mu)
	return lobby
}

// connection is a counted connection. Any goroutine may call the methods.
type connection struct {
	of     *Lobby
	socket net.Conn
	once   sync.Once
	use    use
}

// Accept implements [net.Listener].
func (l *Lobby) Accept() (net.Conn, error) {
	l.begin.Do(func() {
		l.work.Go(l.acceptAll)
		l.work.Go(l.turnAll)
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.ready) == 0 && l.failure == nil {
		l.changed.Wait()
	}
	if l.failure != nil {
		return nil, l.failure
	}
	conn := l.ready[0]
	l.ready = l.ready[1:]
	return conn, nil
}

// Close implements [net.Listener]. Connections that are not accepted yet are closed.
func (l *Lobby) Close() error {
	l.fail(net.ErrClosed)
	err := l.Listener.Close()
	l.work.Wait()
	return err
}

// fail ends the lobby.
func (l *Lobby) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failure != nil {
		return
	}
	l.failure = err
	close(l.ended)
	for _, one := range l.counts.takeWaiting() {
		drop(one.descriptor)
	}
	for _, conn := range l.ready {
		_ = conn.Close() // nobody has seen the connection
	}
	l.ready = nil
	l.changed.Broadcast()
}

func (l *Lobby) acceptAll() {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			l.fail(err)
			return
		}
		client := address.Client(conn.RemoteAddr())
		if reached := l.arrive(conn, client, time.Now()); reached.Limit != "" {
			l.reached(reached)
		}
	}
}

// arrive lets a new connection in, lets it wait, or closes it.
func (l *Lobby) arrive(conn net.Conn, client string, now time.Time) Reached {
	l.mu.Lock()
	defer l.mu.Unlock()
	host := address.Host(client)
	limit, most := l.counts.judge(host)
	if limit == "" && l.failure == nil {
		l.admit(conn, host, now)
		return Reached{}
	}
	if limit == IdlePerHost && l.failure == nil {
		if descriptor, ok := duplicate(conn); ok && !l.counts.wait(host, waiter{client, descriptor, now}) {
			drop(descriptor)
		}
	}
	_ = conn.Close() // the client sees a closed connection, or waits
	return Reached{limit, most, client}
}

// admit counts a connection, which Accept then returns.
func (l *Lobby) admit(conn net.Conn, host string, now time.Time) {
	one := &connection{of: l, socket: conn, use: use{host: host, end: func() { _ = conn.Close() }}}
	l.counts.enter(&one.use, now)
	l.open.Store(conn, one)
	l.ready = append(l.ready, conn)
	l.changed.Signal()
}

// admitWaiting lets the connections of a host in, as far as there is room.
func (l *Lobby) admitWaiting(host string, now time.Time) {
	for {
		next, ok := l.counts.next(host)
		if !ok {
			return
		}
		if conn := revive(next.descriptor); conn != nil {
			l.admit(conn, host, now)
		}
	}
}

// turnAll lets idle connections go for waiting connections, and closes the late ones.
func (l *Lobby) turnAll() {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-l.ended:
			return
		case now := <-ticker.C:
			l.turn(now)
		}
	}
}

func (l *Lobby) turn(now time.Time) {
	l.mu.Lock()
	late, idle := l.counts.turn(now)
	for _, one := range late {
		drop(one.descriptor)
	}
	for host := range l.counts.waiting {
		l.admitWaiting(host, now)
	}
	l.mu.Unlock()
	for _, one := range idle {
		one.end() // the server notices, and the connection leaves
	}
}

// Begin notes a stream or a request of the connection, and End its end.
func (c *connection) Begin() { c.change(1) }

// End is the opposite of Begin.
func (c *connection) End() { c.change(-1) }

func (c *connection) change(uses int) {
	l, now := c.of, time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts.idle.change(&c.use, uses, now)
	l.admitWaiting(c.use.host, now)
}

// leave takes the connection back. Only the first call counts.
func (c *connection) leave() {
	c.once.Do(func() {
		l := c.of
		l.open.Delete(c.socket)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.counts.leave(&c.use)
		l.admitWaiting(c.use.host, time.Now())
	})
}
