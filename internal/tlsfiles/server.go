package tlsfiles

import (
	"crypto/x509"
	"net"
	"net/http"
	"sync"
	"time"

	"google.golang.org/grpc/credentials"
)

// connections are the open connections of a gRPC server. The zero value is empty. Safe for
// concurrent use.
type connections struct {
	mu   sync.Mutex
	open map[*connection]struct{}
}

// connection is a connection whose client has shown its certificates.
type connection struct {
	net.Conn
	chain []*x509.Certificate
	of    *connections
}

// Close closes the connection and forgets it.
func (c *connection) Close() error {
	c.of.mu.Lock()
	delete(c.of.open, c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}

func (all *connections) add(conn net.Conn, chain []*x509.Certificate) *connection {
	c := &connection{conn, chain, all}
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.open == nil {
		all.open = map[*connection]struct{}{}
	}
	all.open[c] = struct{}{}
	return c
}

// list returns the open connections.
func (all *connections) list() []*connection {
	all.mu.Lock()
	defer all.mu.Unlock()
	list := make([]*connection, 0, len(all.open))
	for c := range all.open {
		list = append(list, c)
	}
	return list
}

// Server serves with the newest files. It is safe for concurrent use.
type Server struct {
	*Files
	open connections
}

// NewServer returns a server without connections.
func NewServer(f *Files) *Server { return &Server{Files: f} }

// CloseUntrusted closes the connections of gRPC clients whose certificates the newest client CAs do
// not cover, and returns the addresses of these clients. It is not enough to end their streams:
// Envoy keeps the connection and opens the next stream on it.
func (s *Server) CloseUntrusted() []net.Addr {
	var closed []net.Addr
	for _, c := range s.open.list() {
		// The time of the handshake counts for the validity, as it does while nothing changes.
		if s.VerifyClient(c.chain, time.Time{}) != nil {
			closed = append(closed, c.RemoteAddr())
			_ = c.Close() // the server closes it again
		}
	}
	return closed
}

// GRPC returns the credentials of a gRPC server. refused is called with the error of each failed
// handshake, from the goroutine of the connection.
func (s *Server) GRPC(refused func(from net.Addr, err error)) credentials.TransportCredentials {
	return grpcCredentials{credentials.NewTLS(s.ServerConfig("h2")), s, refused}
}

type grpcCredentials struct {
	credentials.TransportCredentials
	server  *Server
	refused func(net.Addr, error)
}

// ServerHandshake implements [credentials.TransportCredentials].
func (c grpcCredentials) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := c.TransportCredentials.ServerHandshake(raw)
	if err != nil {
		c.refused(raw.RemoteAddr(), err)
		return conn, info, err
	}
	chain := info.(credentials.TLSInfo).State.PeerCertificates
	known := c.server.open.add(conn, chain)
	// CloseUntrusted may have looked between the handshake and the line above.
	if err := c.server.VerifyClient(chain, time.Now()); err != nil {
		c.refused(raw.RemoteAddr(), err)
		_ = known.Close()
		return nil, nil, err
	}
	return known, info, nil
}

// Clone implements [credentials.TransportCredentials].
func (c grpcCredentials) Clone() credentials.TransportCredentials {
	return grpcCredentials{c.TransportCredentials.Clone(), c.server, c.refused}
}

// Handler refuses requests on connections whose client is not trusted any more.
func (s *Server) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var chain []*x509.Certificate
		if r.TLS != nil {
			chain = r.TLS.PeerCertificates
		}
		if err := s.VerifyClient(chain, time.Now()); err != nil {
			w.Header().Set("Connection", "close")
			http.Error(w, "the client's certificate is not valid any more", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}
