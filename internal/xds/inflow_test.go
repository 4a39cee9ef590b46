package xds

import (
	"fmt"
	"net"
	"strings"
	"testing"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	resourcev3 "github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/wasm-xds/wasm-xds/internal/inflow"
)

// A connection holds no more than the requests that delivery has not taken. Requests that sum up to
// many times the limit pass, and requests that wait count until they are taken.
func TestRequestsAreHeldUntilTheyAreTaken(t *testing.T) {
	for _, isDelta := range []bool{true, false} {
		events, reached := make(recorder), make(chan inflow.Reached, 10)
		guard := inflow.New(inflow.Limits{Held: 100_000}, func(r inflow.Reached) { reached <- r })
		s := NewServer(t.Context(), events, named{}, Limits{}, zap.NewNop())
		g := grpc.NewServer(append(GRPCOptions(Limits{}), grpc.Creds(guard.Credentials(insecure.NewCredentials())))...)
		s.Register(g)
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- g.Serve(l) }()
		conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Fatal(err)
		}
		send := sender(t, conn, isDelta)
		if err := send("first"); err != nil {
			t.Fatal(err)
		}
		<-events // StreamOpened
		<-events
		for i := range 20 {
			many := make([]string, 20)
			for j := range many {
				many[j] = fmt.Sprint(i, j, strings.Repeat("x", 900))
			}
			if err := send(many...); err != nil {
				t.Fatal(i, err)
			}
			<-events
		}
		select {
		case r := <-reached:
			t.Fatalf("reached: %+v", r)
		default:
		}
		// Delivery takes nothing more.
		names := make([]string, 100)
		for i := range names {
			names[i] = strings.Repeat("n", 900+i)
		}
		for range 5 {
			_ = send(names...) // the connection may have ended
		}
		if r := <-reached; r.Limit != inflow.Held {
			t.Errorf("reached: %+v", r)
		}
		stopped := make(chan struct{})
		go func() {
			for range events {
			}
			close(stopped)
		}()
		_ = conn.Close()
		g.Stop()
		<-ended
		close(events)
		<-stopped
	}
}

// sender opens a stream, and returns a function that asks for names on it.
func sender(t *testing.T, conn *grpc.ClientConn, isDelta bool) func(names ...string) error {
	t.Helper()
	c := discoveryv3.NewAggregatedDiscoveryServiceClient(conn)
	if isDelta {
		str, err := c.DeltaAggregatedResources(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return func(names ...string) error {
			return str.Send(&discoveryv3.DeltaDiscoveryRequest{Node: testNode, TypeUrl: resourcev3.ExtensionConfigType, ResourceNamesSubscribe: names})
		}
	}
	str, err := c.StreamAggregatedResources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return func(names ...string) error {
		return str.Send(&discoveryv3.DiscoveryRequest{Node: testNode, TypeUrl: resourcev3.ExtensionConfigType, ResourceNames: names})
	}
}
