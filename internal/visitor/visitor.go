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
// connection with another known protocol, from the goroutine that reads the connection. TCP
// connections keep the methods of [net.TCPConn]. Other connections pass unexamined.
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
	tcp, ok := c.(*net.TCPConn)
	if err != nil || !ok {
		return c, err
	}
	return &conn{TCPConn: tcp, of: l}, nil
}

// conn examines the first bytes of a connection during Read.
type conn struct {
	*net.TCPConn
	of *listener

	mu      sync.Mutex
	first   []byte // fewer than longestPrefix
	decided bool
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.TCPConn.Read(p)
	if n > 0 {
		c.look(p[:n])
	}
	return n, err
}

func (c *conn) look(p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.decided {
		return
	}
	c.first = append(c.first, p[:min(len(p), longestPrefix-len(c.first))]...)
	speaks, decided := Classify(c.first)
	if !decided && len(c.first) < longestPrefix {
		return
	}
	c.decided, c.first = true, nil
	if decided && speaks != "" && speaks != c.of.want {
		c.of.report(c.RemoteAddr(), speaks)
	}
}
