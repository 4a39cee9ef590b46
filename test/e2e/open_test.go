package e2e_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

// meter is the network filter of the scenarios.
const meter = "meter"

// meterModule returns a module that stamps each chunk of data from the upstream.
func meterModule(stamp string) []byte {
	return testfilter.Network{Stamp: stamp, EveryChunk: true}.Module()
}

// An endless response, a WebSocket and a TCP connection survive five swaps. Each keeps the filter
// with which the connection or request started.
func TestOpenConnections(t *testing.T) {
	t.Parallel()
	for _, mode := range harness.Modes() {
		t.Run(string(mode), func(t *testing.T) {
			s := newScenario(t)
			s.write(auth, authModule("v0"), "")
			s.write(meter, meterModule("v0"), "type: network\n")
			s.cp.Start()
			envoy := s.envoy(proxyOptions{mode: mode, raw: harness.Filters(meter)})
			envoy.WaitReady()
			s.cp.WaitLive(auth, authModule("v0"), 1)
			s.cp.WaitLive(meter, meterModule("v0"), 1)
			traffic := s.traffic(envoy.web[0])
			traffic.live("v0")

			stream := openStream(t, s.upstream, envoy.web[0])
			socket := openWebSocket(t, envoy.web[0])
			tcp := dialTCP(t, envoy.raw)
			tcp.echo(t, "hello", "[v0]hello")
			for i := 1; i <= 5; i++ {
				stamp := fmt.Sprintf("v%d", i)
				s.swap(auth, authModule(stamp), "", 1)
				traffic.live(stamp)
				s.swap(meter, meterModule(stamp), "type: network\n", 1)
				s.upstream.Send(stamp)
				stream.read(t, stamp)
				socket.echo(t, stamp, stamp)
				tcp.echo(t, stamp, "[v0]"+stamp)
				waitNewConnection(t, envoy.raw, stamp)
			}
			s.upstream.EndStreams()
			if rest, err := io.ReadAll(stream.body); err != nil || len(rest) > 0 {
				t.Errorf("the stream ended with %q, %v", rest, err)
			}
			traffic.end()
		})
	}
}

// openConn is a connection that must stay open.
type openConn struct {
	net.Conn
	from io.Reader
	body io.Reader // response body, for an endless response
}

func dialTCP(t *testing.T, address string) *openConn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(2 * harness.Deadline)); err != nil {
		t.Fatal(err)
	}
	return &openConn{Conn: conn, from: conn}
}

// ask sends a request and returns the head of the response.
func (c *openConn) ask(t *testing.T, path, headers string) *http.Response {
	t.Helper()
	reader := bufio.NewReader(c)
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: test\r\ntoken: ok\r\n%s\r\n", path, headers)
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatalf("GET %s: %v", path, err)
	}
	if got := response.Header.Get(harness.StampHeader); got != "v0" {
		t.Errorf("GET %s went through %q", path, got)
	}
	c.from, c.body = reader, response.Body
	return response
}

// openStream starts an endless response.
func openStream(t *testing.T, upstream *harness.Upstream, address string) *openConn {
	t.Helper()
	c := dialTCP(t, address)
	c.ask(t, "/stream", "")
	<-upstream.Started()
	return c
}

func openWebSocket(t *testing.T, address string) *openConn {
	t.Helper()
	c := dialTCP(t, address)
	response := c.ask(t, "/ws", "Connection: Upgrade\r\nUpgrade: websocket\r\n")
	if response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("the upgrade was answered with %s", response.Status)
	}
	return c
}

// read expects the next part of an endless response.
func (c *openConn) read(t *testing.T, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c.body, got); err != nil || string(got) != want {
		t.Errorf("the stream brought %q, %v; not %q", got, err, want)
	}
}

// echo sends a text and expects the echo with the filter's change.
func (c *openConn) echo(t *testing.T, text, want string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Errorf("send %q: %v", text, err)
		return
	}
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c.from, got); err != nil || string(got) != want {
		t.Errorf("%q came back as %q, %v; not %q", text, got, err, want)
	}
}

// waitNewConnection waits until a new TCP connection runs a version. Workers apply an update a
// moment after the main thread. A connection without a filter is an error.
func waitNewConnection(t *testing.T, address, stamp string) {
	t.Helper()
	const text = "0123456789"
	var last string
	if !harness.Poll(t.Context(), func() bool {
		c := dialTCP(t, address)
		defer c.Close()
		_, err := io.WriteString(c, text)
		got := make([]byte, len(text))
		if err == nil {
			_, err = io.ReadFull(c, got)
		}
		if last = string(got); err != nil || last == text {
			t.Errorf("a new connection brought %q, %v", got, err)
		}
		return last[:len(stamp)+2] == "["+stamp+"]"
	}) {
		t.Fatalf("new connections do not run %s: %q", stamp, last)
	}
}
