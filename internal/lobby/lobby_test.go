package lobby

import (
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func start(t *testing.T, limits Limits) (*Lobby, chan Reached) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	reached := make(chan Reached, 10)
	lobby := New(l, limits, func(r Reached) { reached <- r })
	t.Cleanup(func() { _ = lobby.Close() })
	return lobby, reached
}

func dial(t *testing.T, l net.Listener) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func isClosed(conn net.Conn) bool {
	_, err := conn.Read(make([]byte, 1))
	return err != nil
}

// A waiting connection comes in with all sent bytes, once another is used.
func TestAWaitingConnectionComesIn(t *testing.T) {
	defer goleak.VerifyNone(t)
	lobby, reached := start(t, Limits{IdlePerHost: 1})
	defer lobby.Close()
	accepted := make(chan net.Conn)
	go func() {
		defer close(accepted)
		for s := lobby.Streams(lobby); ; {
			conn, err := s.Accept()
			if err != nil {
				return
			}
			accepted <- conn
		}
	}()
	dial(t, lobby)
	first := <-accepted
	waiting := dial(t, lobby)
	if r := <-reached; r.Limit != IdlePerHost || r.Address != waiting.LocalAddr().String() {
		t.Errorf("%+v", r)
	}
	if _, err := io.WriteString(waiting, "hello"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-accepted:
		t.Fatal("a connection too many came in")
	default:
	}
	first.(interface{ Begin() }).Begin()
	second := <-accepted
	got := make([]byte, 5)
	if _, err := io.ReadFull(second, got); err != nil || string(got) != "hello" || second.RemoteAddr().String() != waiting.LocalAddr().String() {
		t.Errorf("%q from %s: %v", got, second.RemoteAddr(), err)
	}
	third := dial(t, lobby)
	<-reached
	for range 2 {
		_ = second.Close() // the second time is for nothing
	}
	_ = (<-accepted).Close()
	if !isClosed(third) {
		t.Error("the server cannot close a connection that has waited")
	}
	_ = first.Close()
	if n := lobby.counts.all; n != 0 {
		t.Errorf("%d connections are counted", n)
	}
	_ = lobby.Close()
	for range accepted {
	}
}

// A client that has reset its waiting connection does not come in: the server would have no address
// for it.
func TestAResetConnectionDoesNotComeIn(t *testing.T) {
	defer goleak.VerifyNone(t)
	lobby, reached := start(t, Limits{IdlePerHost: 1})
	defer lobby.Close()
	dial(t, lobby)
	first, err := lobby.Accept()
	if err != nil {
		t.Fatal(err)
	}
	reset := dial(t, lobby)
	<-reached
	if err := reset.(*net.TCPConn).SetLinger(0); err != nil {
		t.Fatal(err)
	}
	_ = reset.Close()
	next := dial(t, lobby)
	<-reached
	lobby.find(first).leave()
	if conn, err := lobby.Accept(); err != nil || conn.RemoteAddr().String() != next.LocalAddr().String() {
		t.Errorf("%v, %v", conn.RemoteAddr(), err)
	}
}

// The longest idle connection makes room, and a connection that waits for too long is closed.
func TestTheTurn(t *testing.T) {
	defer goleak.VerifyNone(t)
	lobby, reached := start(t, Limits{IdlePerHost: 1})
	defer lobby.Close()
	server := make(chan net.Conn, 3)
	go func() {
		for {
			conn, err := lobby.Accept()
			if err != nil {
				close(server)
				return
			}
			server <- conn
		}
	}()
	idle := dial(t, lobby)
	<-server
	waiting, late := dial(t, lobby), dial(t, lobby)
	<-reached
	<-reached
	lobby.turn(time.Now().Add(leastIdle))
	if !isClosed(idle) {
		t.Error("an idle connection does not make room")
	}
	lobby.find(<-server).leave() // its connection came in, and leaves
	<-server
	_ = waiting
	lobby.turn(time.Now())
	another := dial(t, lobby)
	<-reached
	lobby.mu.Lock()
	lobby.counts.waiting["127.0.0.1"][0].since = time.Now().Add(-mostWait)
	lobby.mu.Unlock()
	lobby.turn(time.Now())
	if !isClosed(another) {
		t.Error("a connection waits for ever")
	}
	_ = lobby.Close()
	for range server {
	}
	_ = late
}

// Connections with a request are not idle, and all others wait or go at the end.
func TestAnHTTPServer(t *testing.T) {
	defer goleak.VerifyNone(t)
	lobby, reached := start(t, Limits{Connections: 2, IdlePerHost: 1})
	began, release := make(chan struct{}), make(chan struct{})
	server := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		began <- struct{}{}
		<-release
	})}
	lobby.HTTP(server)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(lobby) }()
	answered := make(chan error, 1)
	transport := &http.Transport{DisableKeepAlives: true}
	get := func() {
		res, err := (&http.Client{Transport: transport}).Get("http://" + lobby.Addr().String())
		if err == nil {
			err = res.Body.Close()
		}
		answered <- err
	}
	go get()
	<-began
	go get() // comes in, because the first is used
	<-began
	refused := dial(t, lobby)
	if r := <-reached; r.Limit != Connections || !isClosed(refused) {
		t.Errorf("%+v", r)
	}
	close(release)
	for range 2 {
		if err := <-answered; err != nil {
			t.Error(err)
		}
	}
	_ = server.Close()
	<-ended
	_ = lobby.Close()
	if _, err := lobby.Accept(); err == nil {
		t.Error("a closed lobby accepts")
	}
}
