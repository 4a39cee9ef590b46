package serve

import (
	"net"
	"net/http"
	"sync"

	"github.com/wasm-xds/wasm-xds/internal/address"
	"github.com/wasm-xds/wasm-xds/internal/api"
)

// connections bounds the open connections of a port, in all and for each host. Any goroutine may
// call the methods.
type connections struct {
	most, mostPerHost int
	refused           func(api.Limit)

	mu    sync.Mutex
	all   int
	hosts map[string]int
}

// enter counts a connection. false: the connection is beyond the limit, and is not counted.
func (c *connections) enter(from net.Addr) bool {
	client := address.Client(from)
	host := address.Host(client)
	c.mu.Lock()
	reached := api.Limit{Address: client}
	switch {
	case c.all >= c.most:
		reached.Name, reached.Flag, reached.Most = "connections", "--max-connections", c.most
	case c.hosts[host] >= c.mostPerHost:
		reached.Name, reached.Flag, reached.Most = "connections_per_host", "--max-connections-per-host", c.mostPerHost
	default:
		if c.hosts == nil {
			c.hosts = map[string]int{}
		}
		c.all++
		c.hosts[host]++
	}
	c.mu.Unlock()
	if reached.Name != "" {
		c.refused(reached)
	}
	return reached.Name == ""
}

// leave takes a counted connection back.
func (c *connections) leave(from net.Addr) {
	host := address.Host(address.Client(from))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all--
	if c.hosts[host]--; c.hosts[host] <= 0 {
		delete(c.hosts, host)
	}
}

// listen bounds a listener: a connection too many is closed at once.
func (c *connections) listen(l net.Listener) net.Listener { return boundedListener{l, c} }

type boundedListener struct {
	net.Listener
	of *connections
}

// Accept returns the next connection within the bounds.
func (l boundedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if l.of.enter(conn.RemoteAddr()) {
			return &boundedConn{Conn: conn, of: l.of}, nil
		}
		_ = conn.Close() // the client sees a closed connection in any case
	}
}

type boundedConn struct {
	net.Conn
	of   *connections
	once sync.Once
}

// Close closes the connection and makes room for another.
func (c *boundedConn) Close() error {
	c.once.Do(func() { c.of.leave(c.RemoteAddr()) })
	return c.Conn.Close()
}

// bound bounds the connections of an HTTP server. A wrapped connection, as listen makes it, would
// keep the kernel from copying modules from file to socket.
func (c *connections) bound(server *http.Server) {
	var counted sync.Map // by net.Conn
	server.ConnState = func(conn net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			if c.enter(conn.RemoteAddr()) {
				counted.Store(conn, nil)
			} else {
				_ = conn.Close() // the server notices
			}
		case http.StateClosed, http.StateHijacked:
			if _, ok := counted.LoadAndDelete(conn); ok {
				c.leave(conn.RemoteAddr())
			}
		case http.StateActive, http.StateIdle:
		}
	}
}
