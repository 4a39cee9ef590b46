package tlsfiles

import (
	"context"
	"crypto/x509"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/credentials"

	"github.com/wasm-xds/wasm-xds/internal/address"
)

// clients are the clients with an open connection or request. The zero value is empty. Safe for
// concurrent use.
type clients struct {
	mu   sync.Mutex
	open map[*client]struct{}
}

// client is a client that has shown its certificates.
type client struct {
	from  string
	chain []*x509.Certificate
	end   func() // ends the connection or the request
}

func (all *clients) add(c *client) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.open == nil {
		all.open = map[*client]struct{}{}
	}
	all.open[c] = struct{}{}
}

func (all *clients) remove(c *client) {
	all.mu.Lock()
	defer all.mu.Unlock()
	delete(all.open, c)
}

func (all *clients) list() []*client {
	all.mu.Lock()
	defer all.mu.Unlock()
	return slices.Collect(maps.Keys(all.open))
}

// connection is a connection of a gRPC server.
type connection struct {
	net.Conn
	closed func()
}

// Close closes the connection and forgets its client.
func (c *connection) Close() error {
	c.closed()
	return c.Conn.Close()
}

// Server serves with the newest files. It is safe for concurrent use.
type Server struct {
	*Files
	open clients
}

// NewServer returns a server without connections.
func NewServer(f *Files) *Server { return &Server{Files: f} }

// CloseUntrusted closes the connections of gRPC clients, and ends the requests of HTTP clients,
// whose certificates the newest client CAs do not cover. It returns the addresses of these clients.
// It is not enough to end streams: Envoy keeps the connection and opens the next stream on it.
func (s *Server) CloseUntrusted() []string {
	var closed []string
	for _, c := range s.open.list() {
		// The time of the handshake counts for the validity, as it does while nothing changes.
		if s.VerifyClient(c.chain, time.Time{}) != nil {
			closed = append(closed, c.from)
			s.open.remove(c)
			c.end()
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
	known := &client{from: address.Client(raw.RemoteAddr()), chain: chain, end: func() { _ = conn.Close() }} // the server closes it again
	c.server.open.add(known)
	kept := &connection{conn, func() { c.server.open.remove(known) }}
	// CloseUntrusted may have looked between the handshake and the line above.
	if err := c.server.VerifyClient(chain, time.Now()); err != nil {
		c.refused(raw.RemoteAddr(), err)
		_ = kept.Close()
		return nil, nil, err
	}
	return kept, info, nil
}

// Clone implements [credentials.TransportCredentials].
func (c grpcCredentials) Clone() credentials.TransportCredentials {
	return grpcCredentials{c.TransportCredentials.Clone(), c.server, c.refused}
}

// Handler refuses requests on connections whose client is not trusted any more. The context of a
// request ends with [Server.CloseUntrusted], so an event stream does not outlive the trust.
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
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		c := &client{from: r.RemoteAddr, chain: chain, end: cancel}
		s.open.add(c)
		defer s.open.remove(c)
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}
