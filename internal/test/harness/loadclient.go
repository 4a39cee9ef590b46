package harness

import (
	"bufio"
	"cmp"
	"io"
	"net"
	"net/http"
	"time"
)

// StampHeader is the response header in which a filter names its version.
const StampHeader = "x-filter"

// requestTimeout bounds one request of a load. A slower answer counts as wrong.
const requestTimeout = 20 * time.Second

// Answer is a complete response.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

// Stamp returns the version of the filter that served the request, or "" without a filter.
func (a Answer) Stamp() string { return a.Header.Get(StampHeader) }

// loadConn is a connection that dials on demand.
type loadConn struct {
	address string
	last    bool // close the connection after each request
	conn    net.Conn
	reader  *bufio.Reader
}

func (c *loadConn) close() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}

// ask sends one request and reads the answer. After an error, or a close by the server, the next
// request dials again. The path "" is /.
func (c *loadConn) ask(path string, header map[string]string) (answer Answer, err error) {
	closing := c.last
	defer func() {
		if err != nil || closing {
			c.close()
		}
	}()
	if c.conn == nil {
		conn, err := net.DialTimeout("tcp", c.address, requestTimeout)
		if err != nil {
			return answer, err
		}
		c.conn, c.reader = conn, bufio.NewReader(conn)
	}
	if err := c.conn.SetDeadline(time.Now().Add(requestTimeout)); err != nil {
		return answer, err
	}
	text := "GET " + cmp.Or(path, "/") + " HTTP/1.1\r\nHost: load\r\n"
	for name, value := range header {
		text += name + ": " + value + "\r\n"
	}
	if c.last {
		text += "Connection: close\r\n"
	}
	if _, err := io.WriteString(c.conn, text+"\r\n"); err != nil {
		return answer, err
	}
	res, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return answer, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	closing = closing || res.Close
	return Answer{Status: res.StatusCode, Header: res.Header, Body: string(body)}, err
}

// Get sends one request to Envoy on a new connection.
func Get(t TB, address string, header map[string]string) Answer {
	t.Helper()
	answer, err := TryGet(address, header)
	if err != nil {
		t.Fatalf("GET %s: %v", address, err)
	}
	return answer
}

// TryGet is like Get, but returns errors, for example if nobody listens.
func TryGet(address string, header map[string]string) (Answer, error) {
	conn := &loadConn{address: address, last: true}
	return conn.ask("", header)
}

// Client sends requests to Envoy over one connection, and dials again after the loss of the
// connection. It is not safe for concurrent use.
type Client struct{ conn loadConn }

// NewClient makes a client of the server at host:port.
func NewClient(address string) *Client { return &Client{conn: loadConn{address: address}} }

// Get sends one request.
func (c *Client) Get() (Answer, error) { return c.conn.ask("", nil) }

// Closed reports whether the next request must dial, because the connection is closed or not yet
// open.
func (c *Client) Closed() bool { return c.conn.conn == nil }

// Close closes the connection.
func (c *Client) Close() { c.conn.close() }
