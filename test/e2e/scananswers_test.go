package e2e_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// reply is an answer in HTTP/1. The zero value is none: the server has closed the connection.
type reply struct {
	status int
	header http.Header
	body   string
}

// talk sends bytes and reads the answer. It closes the connection.
func talk(t *testing.T, conn net.Conn, text string) reply {
	t.Helper()
	defer conn.Close()
	_, _ = io.WriteString(conn, text) // the server may close it before the end
	raw := bufio.NewReader(conn)
	begin, err := raw.Peek(5)
	if err != nil || string(begin) != "HTTP/" {
		return reply{}
	}
	method, _, _ := strings.Cut(text, " ")
	res, err := http.ReadResponse(raw, &http.Request{Method: method})
	if err != nil {
		return reply{} // a reset, after an answer that came before the end of the request
	}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		_ = conn.Close() // the body has no end
		return reply{res.StatusCode, res.Header, ""}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		t.Logf("%.100q: %v", text, err)
	}
	return reply{res.StatusCode, res.Header, string(body)}
}

// refusesOtherProtocols sends an HTTP/1 port everything that is none of its requests.
func (p ports) refusesOtherProtocols(t *testing.T, address string) {
	host := "Host: localhost\r\n"
	for name, text := range map[string]string{
		"HTTP/0.9":              "GET /\r\n",
		"HTTP/2 without TLS":    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
		"an upgrade to HTTP/2":  "GET /nothing HTTP/1.1\r\n" + host + "Connection: close, Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
		"a WebSocket":           "GET /api/v1/events HTTP/1.1\r\n" + host + "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://evil.example\r\n\r\n",
		"OPTIONS of everything": "OPTIONS * HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n",
		"a proxy":               "GET http://169.254.169.254/latest HTTP/1.1\r\nHost: 169.254.169.254\r\nConnection: close\r\n\r\n",
		"a tunnel":              "CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\nConnection: close\r\n\r\n",
		"no host":               "GET /nothing HTTP/1.1\r\nConnection: close\r\n\r\n",
		"two lengths":           "POST /nothing HTTP/1.1\r\n" + host + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
		"length and chunks":     "POST /nothing HTTP/1.1\r\n" + host + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n",
		"an unknown version":    "GET / HTTP/3.7\r\n" + host + "\r\n",
		"a large header":        "GET / HTTP/1.1\r\n" + host + "X-Large: " + strings.Repeat("x", 64<<10) + "\r\n\r\n",
		"zeros":                 strings.Repeat("\x00", 100) + "\r\n\r\n",
		"a script in a header":  "GET /nothing HTTP/1.1\r\n" + host + "<script>: x\r\n\r\n",
	} {
		conn, err := p.dial(address)
		if err != nil {
			t.Fatal(err)
		}
		r := talk(t, conn, text)
		events := name == "a WebSocket" && r.status == http.StatusOK && r.header.Get("Upgrade") == "" && r.header.Get("Content-Type") == "text/event-stream"
		if r.status != 0 && r.status < 400 && !(events && p.token == "") {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
		if !events {
			r.isHarmless(t, name)
		}
	}
	if p.tls != nil { // plain text to a port with TLS
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if r := p.get(t, conn, "GET", "/", ""); r.status != 0 && r.status != http.StatusBadRequest {
			t.Errorf("without TLS: %d %s", r.status, r.body)
		}
	}
}

var stackTrace = regexp.MustCompile(`goroutine \d|\.go:\d|panic`)

// isHarmless says what no answer does: name the server's software, show a stack, move a client to
// another place, or give back a request in a form that a browser would run.
func (r reply) isHarmless(t *testing.T, where string) {
	t.Helper()
	if r.status == 0 {
		return
	}
	for _, name := range []string{"Server", "X-Powered-By", "Location", "Set-Cookie", "Access-Control-Allow-Origin"} {
		if r.header.Get(name) != "" {
			t.Errorf("%s: %s: %s", where, name, r.header.Get(name))
		}
	}
	kind := r.header.Get("Content-Type")
	byGo := strings.HasPrefix(r.body, fmt.Sprint(r.status, " ")) && strings.HasPrefix(kind, "text/plain") // net/http itself, of a request that it cannot read
	if len(r.body) > 0 && !byGo && r.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%s: the browser may guess the type of %s %.100s", where, kind, r.body)
	}
	if r.status >= 300 && !strings.HasPrefix(kind, "application/json") && strings.Contains(r.body, "scan-canary") {
		t.Errorf("%s: the answer gives the request back as %s: %.200s", where, kind, r.body)
	}
	if stackTrace.MatchString(r.body) && r.status >= 300 {
		t.Errorf("%s: %.300s", where, r.body)
	}
}
