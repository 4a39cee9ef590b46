package tlsserver

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
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

// client is a client with certificates.
type client struct {
	port  string
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

// Close closes the connection and forgets the client.
func (c *connection) Close() error {
	c.closed()
	return c.Conn.Close()
}

// Source has the newest material. Any goroutine may call it.
type Source interface {
	// Material returns the newest material. nil means none yet: each handshake fails.
	Material() *Material
}

// Server serves with the newest material. A Server is safe for concurrent use.
type Server struct {
	source Source
	open   clients
	former former
}

// New returns a server without connections.
func New(source Source) *Server {
	s := &Server{source: source}
	s.material()
	return s
}

// material returns the newest material, and notes a change, which may come at any time.
func (s *Server) material() *Material {
	m := s.source.Material()
	s.former.note(m)
	return m
}

var errNoMaterial = errors.New("the server has no certificate yet")

// Config returns a configuration for TLS 1.2 and later with Go's own choice of ciphers. protocols
// are the protocols for ALPN, for example h2. If the material has CAs of clients, each client needs
// a valid certificate of them.
func (s *Server) Config(protocols ...string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: protocols,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			m := s.material()
			if m == nil {
				return nil, errNoMaterial
			}
			return m.config(protocols), nil
		},
	}
}

// IsFor reports whether the server's certificate is valid for a host name or an IP address.
func (s *Server) IsFor(host string) bool {
	m := s.material()
	return m != nil && m.Certificate.Leaf.VerifyHostname(host) == nil
}

// VerifyClient checks the certificate chain of an open connection against the newest material. The
// zero time leaves out the check of the time in which the client's certificate is valid. Without
// CAs of clients every client is valid.
func (s *Server) VerifyClient(chain []*x509.Certificate, now time.Time) error {
	m := s.material()
	if m == nil {
		return errNoMaterial
	}
	return m.verify(chain, now)
}

// Closed is a client with an ended connection or request.
type Closed struct {
	Port    string // as in GRPC and Handler
	Address string
}

// CloseUntrusted closes the connections of gRPC clients, and ends the requests of HTTP clients, if
// the newest material does not cover their certificates. The caller gets these clients, and calls
// CloseUntrusted after each change of the material. An end of the streams alone is not enough:
// Envoy keeps the connection and opens the next stream there.
func (s *Server) CloseUntrusted() []Closed {
	s.material()
	var closed []Closed
	for _, c := range s.open.list() {
		// The time of the handshake counts for the validity, as it does while nothing changes.
		if s.VerifyClient(c.chain, time.Time{}) != nil {
			closed = append(closed, Closed{c.port, c.from})
			s.open.remove(c)
			c.end()
		}
	}
	return closed
}

// GRPC returns the credentials of the gRPC server of a port. refused is called with the error of
// each failed handshake, from the goroutine of the connection.
func (s *Server) GRPC(port string, refused func(from net.Addr, err error)) credentials.TransportCredentials {
	return grpcCredentials{credentials.NewTLS(s.Config("h2")), s, port, refused}
}

type grpcCredentials struct {
	credentials.TransportCredentials
	server  *Server
	port    string
	refused func(net.Addr, error)
}

// ServerHandshake implements [credentials.TransportCredentials].
func (c grpcCredentials) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := c.TransportCredentials.ServerHandshake(raw)
	if err != nil {
		if failed := (*tls.CertificateVerificationError)(nil); errors.As(err, &failed) {
			err = c.server.former.explain(failed.UnverifiedCertificates, err)
		}
		c.refused(raw.RemoteAddr(), err)
		return conn, info, err
	}
	chain := info.(credentials.TLSInfo).State.PeerCertificates
	// The close of raw does not wait for a client that reads nothing. The server closes conn later.
	known := &client{port: c.port, from: address.Client(raw.RemoteAddr()), chain: chain, end: func() { _ = raw.Close() }}
	c.server.open.add(known)
	kept := &connection{conn, func() { c.server.open.remove(known) }}
	// CloseUntrusted may have looked between the handshake and the line above.
	if err := c.server.VerifyClient(chain, time.Now()); err != nil {
		c.refused(raw.RemoteAddr(), c.server.former.explain(chain, err))
		_ = kept.Close()
		return nil, nil, err
	}
	return kept, info, nil
}

// Clone implements [credentials.TransportCredentials].
func (c grpcCredentials) Clone() credentials.TransportCredentials {
	return grpcCredentials{c.TransportCredentials.Clone(), c.server, c.port, c.refused}
}

// Handler is the handler of a port. Requests on connections of clients no longer trusted go to
// deny, with the reason. The context of a request ends with [Server.CloseUntrusted], so an event
// stream does not outlive the trust.
func (s *Server) Handler(port string, next http.Handler, deny func(http.ResponseWriter, *http.Request, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var chain []*x509.Certificate
		if r.TLS != nil {
			chain = r.TLS.PeerCertificates
		}
		if err := s.VerifyClient(chain, time.Now()); err != nil {
			w.Header().Set("Connection", "close")
			deny(w, r, s.former.explain(chain, err))
			return
		}
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		c := &client{port: port, from: r.RemoteAddr, chain: chain, end: cancel}
		s.open.add(c)
		defer s.open.remove(c)
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}
