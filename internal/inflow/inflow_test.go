package inflow

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/peer"
)

// guarding is a connection behind a guard, and the client's side.
type guarding struct {
	t      *testing.T
	guard  *Guard
	conn   net.Conn
	client net.Conn
	frames *http2.Framer
	next   uint32

	mu      sync.Mutex
	reached []Reached
}

// start makes a guarded connection, which is read all the time.
func start(t *testing.T, limits Limits) *guarding {
	g := &guarding{t: t, next: 1}
	g.guard = New(limits, func(r Reached) {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.reached = append(g.reached, r)
	})
	server, client := net.Pipe()
	conn, _, err := g.guard.Credentials(insecure.NewCredentials()).ServerHandshake(server)
	if err != nil {
		t.Fatal(err)
	}
	g.conn, g.client = conn, client
	go func() { _, _ = io.Copy(io.Discard, conn) }()
	g.frames = http2.NewFramer(client, nil)
	if _, err := io.WriteString(client, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	return g
}

func (g *guarding) close() {
	_ = g.client.Close()
	_ = g.conn.Close()
}

func (g *guarding) open() error {
	g.next += 2
	return g.frames.WriteHeaders(http2.HeadersFrameParam{StreamID: g.next, BlockFragment: []byte("x"), EndHeaders: true})
}

func (g *guarding) limits() (all []Limit) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, r := range g.reached {
		all = append(all, r.Limit)
	}
	return all
}

// A client that opens streams without a pause gets the burst at once, and then no more than the
// rate.
func TestStreamsAreOpenedAtARate(t *testing.T) {
	for _, tt := range []struct {
		name   string
		limits Limits
		limit  Limit
	}{
		{"connection", Limits{ConnectionOpens: 10}, ConnectionOpens},
		{"host", Limits{HostOpens: 10}, HostOpens},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := start(t, tt.limits)
				defer g.close()
				begin := time.Now()
				for i := range 200 {
					if err := g.open(); err != nil {
						t.Fatalf("%d: %v", i, err)
					}
				}
				synctest.Wait()
				// 100 at once, where the connection itself counts for the host, and 10 a second.
				if took := time.Since(begin); took < 9500*time.Millisecond || took > 11*time.Second {
					t.Errorf("200 streams took %s", took)
				}
				if all := g.limits(); len(all) == 0 || all[0] != tt.limit {
					t.Errorf("reached: %v", all)
				}
			})
		})
	}
}

// A client with a burst beyond all patience is disconnected, and the host keeps the rate.
func TestAFloodIsDisconnected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := start(t, Limits{ConnectionOpens: 1})
		defer g.close()
		// A single write of many frames is a single read of the server.
		var all strings.Builder
		for range 100 {
			all.WriteString("\x00\x00\x00\x01\x04\x00\x00\x00\x01")
		}
		if _, err := io.WriteString(g.client, all.String()); err != nil {
			t.Fatal(err)
		}
		if _, err := g.client.Read(make([]byte, 1)); err == nil {
			t.Error("the connection is still open")
		}
	})
}

// The greediest connection is closed once all hold too much, and so is a late connection.
func TestHeldBytes(t *testing.T) {
	for _, tt := range []struct {
		limits Limits
		after  time.Duration
		limit  Limit
	}{
		{Limits{Held: 100_000}, 0, Held},
		{Limits{HostHeld: 100_000}, 0, HostHeld},
		{Limits{Patience: 10 * time.Second}, 13 * time.Second, Patience},
	} {
		synctest.Test(t, func(t *testing.T) {
			g := start(t, tt.limits)
			defer g.close()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go g.guard.Watch(ctx)
			ctx = peer.NewContext(ctx, &peer.Peer{Addr: g.conn.RemoteAddr()})
			stream := From(ctx)
			defer stream.Close()
			send := func(bytes int) {
				for range bytes / 1000 {
					if err := g.frames.WriteData(1, false, make([]byte, 1000)); err != nil {
						t.Fatal(err)
					}
				}
				synctest.Wait()
			}
			send(90_000)
			stream.Release(90_000) // taken
			time.Sleep(time.Minute)
			send(90_000)
			if all := g.limits(); len(all) != 0 {
				t.Fatalf("reached too early: %v", all)
			}
			stream.Release(10_000)
			stream.Hold(10_000)
			send(10_000)
			if tt.after == 0 {
				send(1_000)
			}
			time.Sleep(tt.after)
			if all := g.limits(); len(all) != 1 || all[0] != tt.limit {
				t.Fatalf("reached: %v", all)
			}
			if _, err := g.client.Read(make([]byte, 1)); err == nil {
				t.Error("the connection is still open")
			}
		})
	}
}

// Without a guarded connection, a stream bounds nothing.
func TestNoGuard(t *testing.T) {
	for _, ctx := range []context.Context{context.Background(), peer.NewContext(context.Background(), &peer.Peer{Addr: &net.TCPAddr{}})} {
		s := From(ctx)
		s.Hold(1)
		s.Release(1)
		s.Close()
	}
}

// Names without a spec come at the rate of their host, also over several connections.
func TestNamesComeAtARate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := start(t, Limits{HostNames: 10})
		defer g.close()
		ctx := peer.NewContext(t.Context(), &peer.Peer{Addr: g.conn.RemoteAddr()})
		a, b := From(ctx), From(ctx)
		defer a.Close()
		defer b.Close()
		begin := time.Now()
		for range 10 {
			if !a.AwaitNames(ctx, 10) || !b.AwaitNames(ctx, 10) {
				t.Fatal("not awaited")
			}
		}
		if took := time.Since(begin); took != 10*time.Second {
			t.Errorf("200 names took %s", took)
		}
		if all := g.limits(); len(all) == 0 || all[0] != HostNames {
			t.Errorf("reached: %v", all)
		}
		ended, cancel := context.WithCancel(ctx)
		cancel()
		if a.AwaitNames(ended, 10) {
			t.Error("the names of a stream that has ended are awaited")
		}
	})
}
