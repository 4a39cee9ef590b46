package lobby

import (
	"net"
	"net/http"
)

// Streams returns inner, a listener over the lobby, for a server that calls Begin and End of its
// connections, as [github.com/wasm-xds/wasm-xds/internal/inflow.Used] does.
func (l *Lobby) Streams(inner net.Listener) net.Listener { return streams{inner, l} }

type streams struct {
	net.Listener
	lobby *Lobby
}

// Accept implements [net.Listener].
func (s streams) Accept() (net.Conn, error) {
	conn, err := s.Listener.Accept()
	if err != nil {
		return conn, err
	}
	known := s.lobby.find(conn)
	if known == nil {
		return conn, nil
	}
	return &usedConn{conn, known}, nil
}

// usedConn is a connection that notes how it is used.
type usedConn struct {
	net.Conn
	*connection
}

// Close implements [net.Conn].
func (c *usedConn) Close() error {
	err := c.Conn.Close()
	c.leave()
	return err
}

// find returns the counted connection under conn; nil: there is none.
func (l *Lobby) find(conn net.Conn) *connection {
	for {
		if known, ok := l.open.Load(conn); ok {
			return known.(*connection)
		}
		outer, ok := conn.(interface{ NetConn() net.Conn })
		if !ok {
			return nil
		}
		conn = outer.NetConn()
	}
}

// HTTP notes how an HTTP server uses its connections. The connections stay bare, because the kernel
// copies modules from file to socket only then.
func (l *Lobby) HTTP(server *http.Server) {
	server.ConnState = func(conn net.Conn, state http.ConnState) {
		known := l.find(conn)
		if known == nil {
			return
		}
		switch state {
		case http.StateActive:
			known.Begin()
		case http.StateIdle:
			known.End()
		case http.StateClosed, http.StateHijacked:
			known.leave()
		case http.StateNew:
		}
	}
}
