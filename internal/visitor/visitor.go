// Package visitor notices clients that speak another protocol than a port does.
//
// Such a client and its server part without a word: gRPC closes a connection that begins with a
// TLS handshake, and Envoy tries again. [Listen] looks at the first bytes of each connection as
// they pass, and says which protocol they begin.
package visitor

import (
	"bytes"
	"net"
	"sync"
)

// Protocol is a protocol that a connection begins with.
type Protocol string

// The protocols that are told apart.
const (
	TLS   Protocol = "tls"   // a TLS handshake
	HTTP1 Protocol = "http1" // a request of HTTP/1
	HTTP2 Protocol = "http2" // the preface of HTTP/2, without TLS
)

// longestPrefix is how many bytes are enough to tell protocols apart: the longest method of
// HTTP/1 and the blank after it.
const longestPrefix = len("CONNECT ")

// methods are those of HTTP/1, with the blank that follows them.
var methods = [][]byte{
	[]byte("GET "), []byte("HEAD "), []byte("POST "), []byte("PUT "), []byte("DELETE "),
	[]byte("CONNECT "), []byte("OPTIONS "), []byte("TRACE "), []byte("PATCH "),
}

// Classify says which protocol the first bytes of a connection begin. "" is none of those that
// are known. decided is false while more bytes may tell.
func Classify(first []byte) (p Protocol, decided bool) {
	switch {
	case begins(first, []byte{0x16, 0x03}): // a record of the type handshake, of any version from SSL 3.0 on
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

// begins says whether one of the two is the other's beginning.
func begins(first, whole []byte) bool {
	n := min(len(first), len(whole))
	return bytes.Equal(first[:n], whole[:n])
}

// Listen wraps a listener whose clients should speak want. It calls report for each connection that
// begins with another protocol that is known, from the goroutine that reads the connection.
// Connections of TCP keep the methods of [net.TCPConn]; others are not looked at.
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

// conn is a connection whose first bytes are looked at as they are read.
type conn struct {
	*net.TCPConn
	of *listener

	mu      sync.Mutex
	first   []byte // fewer than longestPrefix
	decided bool
}

// Read reads as the connection itself does.
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
