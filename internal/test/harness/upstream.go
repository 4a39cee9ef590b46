package harness

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
)

// Welcome is the answer of the upstream.
const Welcome = "Welcome to WASM land\n"

// Upstream is an HTTP server behind Envoy:
//
//	/        200 and [Welcome]
//	/stream  a response that lasts until [Upstream.Send] is told to end it
//	/ws      an upgrade to a protocol that sends back what it gets
type Upstream struct {
	server   *httptest.Server
	requests atomic.Int64

	mu      sync.Mutex
	streams map[chan string]struct{}
	started chan struct{} // one value for each begun response of /stream
	ended   context.Context
}

// StartUpstream starts an upstream, which ends with the test.
func StartUpstream(t TB) *Upstream {
	ctx, cancel := context.WithCancel(context.Background())
	u := &Upstream{streams: map[chan string]struct{}{}, started: make(chan struct{}, 1000), ended: ctx}
	mux := http.NewServeMux()
	mux.HandleFunc("/", u.welcome)
	mux.HandleFunc("/stream", u.stream)
	mux.HandleFunc("/ws", u.upgrade)
	u.server = httptest.NewServer(mux)
	t.Cleanup(func() {
		cancel()
		u.server.CloseClientConnections()
		u.server.Close()
	})
	return u
}

// Address returns host:port.
func (u *Upstream) Address() string { return u.server.Listener.Addr().String() }

// Requests returns the number of received requests.
func (u *Upstream) Requests() int64 { return u.requests.Load() }

func (u *Upstream) welcome(w http.ResponseWriter, _ *http.Request) {
	u.requests.Add(1)
	_, _ = io.WriteString(w, Welcome)
}

// Send sends a chunk on every open /stream response.
func (u *Upstream) Send(chunk string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for s := range u.streams {
		s <- chunk
	}
}

// EndStreams ends every open /stream response normally.
func (u *Upstream) EndStreams() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for s := range u.streams {
		close(s)
		delete(u.streams, s)
	}
}

// Started returns a channel with a value for each begun /stream response.
func (u *Upstream) Started() <-chan struct{} { return u.started }

func (u *Upstream) stream(w http.ResponseWriter, r *http.Request) {
	u.requests.Add(1)
	chunks := make(chan string, 1000)
	u.mu.Lock()
	u.streams[chunks] = struct{}{}
	u.mu.Unlock()
	defer func() {
		u.mu.Lock()
		delete(u.streams, chunks)
		u.mu.Unlock()
	}()
	control := http.NewResponseController(w)
	w.WriteHeader(http.StatusOK)
	_ = control.Flush()
	u.started <- struct{}{}
	for {
		select {
		case chunk, open := <-chunks:
			if !open {
				return
			}
			_, _ = io.WriteString(w, chunk)
			_ = control.Flush()
		case <-r.Context().Done():
			return
		case <-u.ended.Done():
			return
		}
	}
}

func (u *Upstream) upgrade(w http.ResponseWriter, r *http.Request) {
	u.requests.Add(1)
	if r.Header.Get("Upgrade") == "" {
		http.Error(w, "no upgrade asked for", http.StatusBadRequest)
		return
	}
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	stop := context.AfterFunc(u.ended, func() { _ = conn.Close() })
	defer stop()
	answer := "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " + r.Header.Get("Upgrade") + "\r\n\r\n"
	if _, err := io.WriteString(conn, answer); err != nil {
		return
	}
	_, _ = io.Copy(conn, buffered)
}

// StartTCPEcho starts a TCP server that echoes its input, and returns the server's address.
func StartTCPEcho(t TB) string {
	return serveTCP(t, func(conn net.Conn) { _, _ = io.Copy(conn, conn) })
}

// serveTCP serves connections until the test ends, and waits for their handlers.
func serveTCP(t TB, handle func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var open sync.WaitGroup
	open.Go(func() {
		for {
			conn, err := listener.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil {
				continue
			}
			open.Go(func() {
				defer conn.Close()
				defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
				handle(conn)
			})
		}
	})
	t.Cleanup(func() {
		cancel()
		_ = listener.Close()
		open.Wait()
	})
	return listener.Addr().String()
}
