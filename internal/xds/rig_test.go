package xds

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/signal"
	"github.com/wasm-xds/wasm-xds/internal/xds/wire"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// fewNames is the number of names up to which a version_info lists all of them, see package
// subscription.
const fewNames = 8

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds the wait for an event: a test that fails waits this long.
const patience = 20 * time.Second

type recorder chan delivery.Event

func (r recorder) Handle(_ context.Context, e delivery.Event) bool {
	r <- e
	return true
}

func (recorder) Knows(string) bool { return true }

func (r recorder) Begin(ctx context.Context, events ...delivery.Event) bool {
	for _, e := range events {
		r.Handle(ctx, e)
	}
	return true
}

func next[E delivery.Event](t *testing.T, r recorder) E {
	t.Helper()
	select {
	case e := <-r:
		got, ok := e.(E)
		if !ok {
			t.Fatalf("got %T %+v, want %T", e, e, got)
		}
		return got
	case <-time.After(patience):
		var want E
		t.Fatalf("no %T", want)
		return want
	}
}

// named makes resources that carry their version.
type named struct{ fails bool }

func (named) Cached(delivery.Send) *wire.Resource { return nil }

func (n named) Build(_ context.Context, a delivery.Send) (*wire.Resource, error) {
	if n.fails {
		return nil, errors.New("the module is rotten")
	}
	return wire.NewResource(a.Name, a.Version.String(), []byte(a.Version.String())), nil
}

func start(t testing.TB, b Builder) (*Server, recorder, *grpc.ClientConn) {
	t.Helper()
	return startLimited(t, b, Limits{})
}

func startLimited(t testing.TB, b Builder, limits Limits) (*Server, recorder, *grpc.ClientConn) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	events := make(recorder, 100)
	s := NewServer(ctx, events, b, limits, zap.NewNop())
	s.TakeReports(signal.NewStore(signal.Limits{Bytes: limits.ReportMemory}))
	g := grpc.NewServer(append(GRPCOptions(limits), s.Unknown())...)
	s.Register(g)
	l := bufconn.Listen(1 << 20)
	ended := make(chan error, 1)
	go func() { ended <- g.Serve(l) }()
	conn, err := grpc.NewClient("passthrough:///x", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		cancel()
		g.Stop()
		s.Stop()
		<-ended
	})
	return s, events, conn
}

func send(id delivery.StreamID, name string, salt string) delivery.Send {
	return delivery.Send{
		Stream: id, Resource: delivery.Resource{
			Name: name, Revision: &snapshot.Revision{ID: "0123456789ab"},
			Version: delivery.Version{Revision: "0123456789ab", Variant: delivery.Inline, Salt: salt},
		},
	}
}

const salt1, salt2 = "0000000100000001", "0000000100000002"

var testNode = &corev3.Node{
	Id: "edge-1", Cluster: "edge",
	UserAgentVersionType: &corev3.Node_UserAgentVersion{UserAgentVersion: "1.40.0"},
	Metadata: &structpb.Struct{Fields: map[string]*structpb.Value{
		"env": structpb.NewStringValue("prod"), "zone": structpb.NewNumberValue(3),
	}},
	Extensions: []*corev3.Extension{{Category: "envoy.wasm.runtime", Name: "envoy.wasm.runtime.v8"}, {Category: "envoy.filters.http", Name: "x"}},
}
