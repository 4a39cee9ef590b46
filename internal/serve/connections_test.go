package serve

import (
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// refusals collects the names of reached limits.
type refusals struct {
	mu    sync.Mutex
	names []string
	c     chan struct{}
}

func (r *refusals) add(l api.Limit) {
	r.mu.Lock()
	r.names = append(r.names, l.Name)
	r.mu.Unlock()
	r.c <- struct{}{}
}

func TestConnectionsAreCounted(t *testing.T) {
	at := func(host string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(host), Port: 1} }
	var reached []string
	c := &connections{most: 3, mostPerHost: 2, refused: func(l api.Limit) { reached = append(reached, l.Name) }}
	for i, one := range []struct {
		host string
		ok   bool
	}{{"10.0.0.1", true}, {"10.0.0.1", true}, {"10.0.0.1", false}, {"10.0.0.2", true}, {"10.0.0.2", false}} {
		if got := c.enter(at(one.host)); got != one.ok {
			t.Errorf("connection %d of %s: %v", i, one.host, got)
		}
	}
	if len(reached) != 2 || reached[0] != "connections_per_host" || reached[1] != "connections" {
		t.Errorf("%q", reached)
	}
	c.leave(at("10.0.0.1"))
	c.leave(at("10.0.0.2"))
	c.leave(at("10.0.0.1"))
	if c.all != 0 || len(c.hosts) != 0 {
		t.Errorf("%d left, %v", c.all, c.hosts)
	}
}

// A connection too many is closed at once, and a closed connection makes room.
func TestABoundedListener(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &refusals{c: make(chan struct{}, 1)}
	c := &connections{most: 1, mostPerHost: 9, refused: r.add}
	bounded := c.listen(l)
	defer bounded.Close()
	dial := func() net.Conn {
		t.Helper()
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	accepted := make(chan net.Conn)
	go func() {
		for {
			conn, err := bounded.Accept()
			if err != nil {
				close(accepted)
				return
			}
			accepted <- conn
		}
	}()
	dial()
	first := <-accepted
	if _, err := dial().Read(make([]byte, 1)); err == nil {
		t.Error("a connection too many is open")
	}
	<-r.c
	for range 2 {
		_ = first.Close() // closing twice makes room once
	}
	dial()
	second := <-accepted
	if c.all != 1 {
		t.Errorf("%d connections are counted", c.all)
	}
	_ = second.Close()
	_ = bounded.Close()
	for range accepted {
	}
}

func TestABoundedHTTPServer(t *testing.T) {
	r := &refusals{c: make(chan struct{}, 1)}
	c := &connections{most: 1, mostPerHost: 9, refused: r.add}
	began, release := make(chan struct{}), make(chan struct{})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		began <- struct{}{}
		<-release
	}))
	c.bound(server.Config)
	server.Start()
	defer server.Close()
	get := func() error {
		transport := &http.Transport{DisableKeepAlives: true}
		res, err := (&http.Client{Transport: transport}).Get(server.URL)
		if err != nil {
			return err
		}
		return res.Body.Close()
	}
	first := make(chan error, 1)
	go func() { first <- get() }()
	<-began
	if err := get(); err == nil {
		t.Error("a connection too many gets an answer")
	}
	<-r.c
	close(release)
	if err := <-first; err != nil {
		t.Error(err)
	}
}
