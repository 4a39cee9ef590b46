// Package visitor notices clients that speak a protocol other than the port's.
//
// Without this package such a client gets no explanation: gRPC silently closes a connection that
// begins with a TLS handshake, and Envoy tries again. [Listen] looks at the first bytes of each
// connection and recognises the protocol.
package visitor

import (
	"bytes"
	"net"
	"sync"
)

// Protocol is the protocol with which a connection begins.
type Protocol string

// The known protocols.
const (
	TLS   Protocol = "tls"   // a TLS handshake
	HTTP1 Protocol = "http1" // a request of HTTP/1
	HTTP2 Protocol = "http2" // the preface of HTTP/2, without TLS
)

// longestPrefix is the number of bytes to identify any protocol: the longest method of
// HTTP/1 and the space after it.
const longestPrefix = len("CONNECT ")

// methods are the methods of HTTP/1, each with a space.
var methods = [][]byte{
	[]byte("GET "), []byte("HEAD "), []byte("POST "), []byte("PUT "), []byte("DELETE "),
	[]byte("CONNECT "), []byte("OPTIONS "), []byte("TRACE "), []byte("PATCH "),
}

// Classify returns the protocol to which the first bytes of a connection belong, or "" if the
// protocol is unknown. decided is false if more bytes are necessary.
func Classify(first []byte) (p Protocol, decided bool) {
	switch {
	case begins(first, []byte{0x16, 0x03}): // a TLS handshake record of any version from SSL 3.0 on
		return TLS, len(first) >= 2
	case begins(first, []byte("PRI ")): // RFC 9113, section 3.4
		return HTTP2, len(first) >= 4
	}
	for _, method := range methods {
		if begins(first, method) {
			return HTTP1, len(first) >= len(method)
		}
	}
	return "", true
}

// begins reports whether one of the two is a prefix of the other.
func begins(first, whole []byte) bool {
	n := min(len(first), len(whole))
	return bytes.Equal(first[:n], whole[:n])
}

// Listen wraps a listener for clients that should speak want. Listen calls report for each
// connection with another known protocol, from the goroutine that reads the connection. Connections
// keep the methods of [net.TCPConn] or [net.UnixConn]. Other connections pass unexamined.
func Listen(l net.Listener, want Protocol, report func(from net.Addr, speaks Protocol)) net.Listener {
	return &listener{l, want, report}
}

type listener struct {
	net.Listener
	want   Protocol
	report func(net.Addr, Protocol)
}

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return c, err
	}
	switch c := c.(type) {
	case *net.TCPConn:
		return &tcpConn{TCPConn: c, first: beginning{of: l, from: c.RemoteAddr()}}, nil
	case *net.UnixConn:
		return &unixConn{UnixConn: c, first: beginning{of: l, from: c.RemoteAddr()}}, nil
	default:
		return c, nil
	}
}

// tcpConn examines the first bytes of a connection during Read.
type tcpConn struct {
	*net.TCPConn
	first beginning
}

// Read implements net.Conn.
func (c *tcpConn) Read(p []byte) (int, error) {
	n, err := c.TCPConn.Read(p)
	c.first.look(p[:n])
	return n, err
}

// NetConn returns the connection without the examination.
func (c *tcpConn) NetConn() net.Conn { return c.TCPConn }

// unixConn is tcpConn for a Unix socket.
type unixConn struct {
	*net.UnixConn
	first beginning
}

// Read implements net.Conn.
func (c *unixConn) Read(p []byte) (int, error) {
	n, err := c.UnixConn.Read(p)
	c.first.look(p[:n])
	return n, err
}

// NetConn returns the connection without the examination.
func (c *unixConn) NetConn() net.Conn { return c.UnixConn }

// beginning has the first bytes of a client. Any goroutine may call look.
type beginning struct {
	of   *listener
	from net.Addr

	mu      sync.Mutex
	bytes   []byte // fewer than longestPrefix
	decided bool
}

func (b *beginning) look(p []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.decided || len(p) == 0 {
		return
	}
	b.bytes = append(b.bytes, p[:min(len(p), longestPrefix-len(b.bytes))]...)
	speaks, decided := Classify(b.bytes)
	if !decided && len(b.bytes) < longestPrefix {
		return
	}
	b.decided, b.bytes = true, nil
	if decided && speaks != "" && speaks != b.of.want {
		b.of.report(b.from, speaks)
	}
}
