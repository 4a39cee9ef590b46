package xds

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	resourcev3 "github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/xds/wire"
)

// slowEnd takes its time when a stream has ended.
type slowEnd struct {
	opened, closing chan struct{}
	release         chan struct{}
	done            atomic.Bool
}

func (*slowEnd) Knows(string) bool { return true }

func (h *slowEnd) Begin(ctx context.Context, events ...delivery.Event) bool {
	return h.Handle(ctx, events[0])
}

func (h *slowEnd) Handle(_ context.Context, e delivery.Event) bool {
	switch e.(type) {
	case delivery.StreamOpened:
		close(h.opened)
	case delivery.StreamClosed:
		close(h.closing)
		<-h.release
		h.done.Store(true)
	}
	return true
}

// TestTheEndWaitsForStreams: once gRPC's server has stopped, no goroutine of a stream is left to
// touch objects that are closed next.
func TestTheEndWaitsForStreams(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	h := &slowEnd{opened: make(chan struct{}), closing: make(chan struct{}), release: make(chan struct{})}
	s := NewServer(ctx, h, named{}, Limits{}, zap.NewNop())
	g := grpc.NewServer(GRPCOptions(Limits{})...)
	s.Register(g)
	l := bufconn.Listen(1 << 20)
	ended := make(chan error, 1)
	go func() { ended <- g.Serve(l) }()
	conn, err := grpc.NewClient("passthrough:///x", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	client, err := discoveryv3.NewAggregatedDiscoveryServiceClient(conn).DeltaAggregatedResources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Send(&discoveryv3.DeltaDiscoveryRequest{
		Node: testNode, TypeUrl: resourcev3.ExtensionConfigType, ResourceNamesSubscribe: []string{"auth"},
	}); err != nil {
		t.Fatal(err)
	}
	<-h.opened
	cancel()
	<-h.closing
	time.AfterFunc(100*time.Millisecond, func() { close(h.release) })
	g.Stop()
	if !h.done.Load() {
		t.Error("the server stopped while a stream's goroutine ran")
	}
	s.Stop()
	<-ended
}

// counted counts builds.
type counted struct {
	named
	builds *atomic.Int64
}

func (c counted) Build(ctx context.Context, a delivery.Send) (*wire.Resource, error) {
	c.builds.Add(1)
	return c.named.Build(ctx, a)
}

// TestNoBuildBeginsAfterTheEnd: the control goes on sending until it hears of the end.
func TestNoBuildBeginsAfterTheEnd(t *testing.T) {
	var builds atomic.Int64
	s := NewServer(t.Context(), make(recorder, 10), counted{builds: &builds}, Limits{}, zap.NewNop())
	st := newDeltaStream(nil)
	s.begin(t.Context(), st, &st.stream, resourcev3.AnyType)
	s.Prepare(send(st.id, "auth", salt1))
	s.Stop()
	if n := builds.Load(); n != 1 {
		t.Errorf("%d builds were waited for", n)
	}
	s.Prepare(send(st.id, "auth", salt1))
	s.Send(send(st.id, "auth", salt1))
	s.Stop()
	if n := builds.Load(); n != 1 {
		t.Errorf("%d builds began", n)
	}
}
