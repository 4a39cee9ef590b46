package harness

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Link is a TCP proxy on a fixed port between an Envoy and the control plane. It can be slow, cut
// or broken.
type Link struct {
	t      TB
	port   int
	target string
	rate   atomic.Int64 // bytes per second to the client; 0: unlimited
	passed atomic.Int64
	deaf   atomic.Bool // the bytes for clients are dropped

	mu       sync.Mutex
	listener net.Listener // nil: refusing
	conns    map[net.Conn]struct{}
	work     sync.WaitGroup
	next     time.Time // earliest time for the next byte to a client
}

// StartLink starts a proxy to target, host:port, which need not listen yet.
func StartLink(t TB, target string) *Link {
	t.Helper()
	l := &Link{t: t, port: FreePort(t), target: target, conns: map[net.Conn]struct{}{}}
	l.Restore()
	t.Cleanup(func() {
		l.Refuse()
		l.work.Wait()
	})
	return l
}

// Address returns the address for clients, host:port.
func (l *Link) Address() string { return Loopback(l.port) }

// SetRate limits the rate to all clients together, in bytes per second. 0 removes the limit.
func (l *Link) SetRate(bytesPerSecond int64) { l.rate.Store(bytesPerSecond) }

// Deafen keeps everything back that is for clients, although what they send still arrives. It lasts
// until the connections are cut.
func (l *Link) Deafen() { l.deaf.Store(true) }

// Passed returns the number of bytes sent to clients.
func (l *Link) Passed() int64 { return l.passed.Load() }

// Cut closes every connection. New connections are accepted, and hear everything.
func (l *Link) Cut() {
	l.deaf.Store(false)
	l.mu.Lock()
	defer l.mu.Unlock()
	for conn := range l.conns {
		_ = conn.Close()
	}
}

// Refuse closes every connection and refuses new ones.
func (l *Link) Refuse() {
	l.mu.Lock()
	if l.listener != nil {
		_ = l.listener.Close()
		l.listener = nil
	}
	l.mu.Unlock()
	l.Cut()
}

// Restore accepts connections again after [Link.Refuse].
func (l *Link) Restore() {
	l.t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.listener != nil {
		return
	}
	listener := Listen(l.t, l.Address())
	l.listener = listener
	l.work.Go(func() { l.accept(listener) })
}

func (l *Link) accept(listener net.Listener) {
	for {
		client, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		l.work.Go(func() { l.join(client) })
	}
}

func (l *Link) join(client net.Conn) {
	server, err := net.DialTimeout("tcp", l.target, 5*time.Second)
	if err != nil {
		_ = client.Close()
		return
	}
	l.mu.Lock()
	refusing := l.listener == nil
	if !refusing {
		l.conns[client], l.conns[server] = struct{}{}, struct{}{}
	}
	l.mu.Unlock()
	closeBoth := func() { _, _ = client.Close(), server.Close() }
	if refusing {
		closeBoth()
		return
	}
	var copying sync.WaitGroup
	copying.Go(func() {
		_, _ = io.Copy(server, client)
		closeBoth()
	})
	l.copySlowly(client, server)
	closeBoth()
	copying.Wait()
	l.mu.Lock()
	delete(l.conns, client)
	delete(l.conns, server)
	l.mu.Unlock()
}

// copySlowly copies at the link's rate, and delays each piece until its turn.
func (l *Link) copySlowly(to io.Writer, from io.Reader) {
	buffer := make([]byte, 16<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 && !l.deaf.Load() {
			l.wait(n)
			l.passed.Add(int64(n))
			if _, werr := to.Write(buffer[:n]); werr != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// wait sleeps for the time that the link needs for n bytes.
func (l *Link) wait(n int) {
	rate := l.rate.Load()
	if rate <= 0 {
		return
	}
	l.mu.Lock()
	now := time.Now()
	if l.next.Before(now) {
		l.next = now
	}
	l.next = l.next.Add(time.Duration(n) * time.Second / time.Duration(rate))
	pause := l.next.Sub(now)
	l.mu.Unlock()
	time.Sleep(pause)
}
