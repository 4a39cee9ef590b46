package e2e_test

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	resourcev3 "github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// handful is the largest number of responses for a client that refuses everything: the new
// revision, the previous revision, and a stand-in for each, every one again in other bytes.
const handful = 12

// A client that refuses everything gets the available variants and then no more responses. The
// refusals stay local: an Envoy beside the client keeps the running filter.
func TestClientThatRefusesEverything(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		start func(*testing.T, *grpc.ClientConn) *refuser
	}{
		{"delta", refuseDelta},
		{"sotw", refuseSotW},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newScenario(t)
			s.write(auth, authModule("v1"), "")
			s.cp.Start()
			envoy := s.envoy(proxyOptions{})
			envoy.WaitReady()
			s.cp.WaitLive(auth, authModule("v1"), 1)
			traffic := s.traffic(envoy.web[0])
			traffic.live("v1")
			client := tc.start(t, dialXDS(t, s.cp.XDSAddress()))
			// Each read of the status and each edit passes through the control plane's single
			// queue. During that time an endless loop of responses and refusals would turn
			// thousands of times.
			refused := func(f harness.FilterStatus) bool {
				for _, sub := range f.Here() {
					if sub.Node == refuserNode {
						return sub.State == harness.Rejected && sub.Error != nil
					}
				}
				return false
			}
			s.cp.WaitFilter(auth, refused)
			before := client.answers.Load()
			if before == 0 || before > handful {
				t.Errorf("it got %d answers", before)
			}
			s.write(auth, authModule("v1"), "# a comment\n")
			s.write("marker", authModule("v1"), "")
			s.cp.WaitFilter("marker", func(f harness.FilterStatus) bool { return f.Revision != "" })
			if n := client.answers.Load(); n != before {
				t.Errorf("it got %d more answers without anything new to say", n-before)
			}
			s.write(auth, authModule("v2"), "")
			s.cp.WaitFilter(auth, func(f harness.FilterStatus) bool {
				return f.Module.SHA256 == harness.SHA256(authModule("v2")) && refused(f) && settled(f)
			})
			traffic.live("v2")
			if n := client.answers.Load(); n > 2*handful {
				t.Errorf("it got %d answers, to two revisions", n)
			}
			client.stop()
			s.swap(auth, authModule("v3"), "", 1)
			traffic.live("v3")
			traffic.end()
			t.Logf("%d answers, %d of them to the second revision", client.answers.Load(), client.answers.Load()-before)
		})
	}
}

const refuserNode = "refuser"

// refuser is a client with a stream of its own.
type refuser struct {
	answers atomic.Int64
	stop    func() // ends the stream and waits for the end
}

func dialXDS(t *testing.T, address string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func refuserIdentity() *corev3.Node {
	return &corev3.Node{
		Id: refuserNode, Cluster: "edge", UserAgentName: "envoy",
		UserAgentVersionType: &corev3.Node_UserAgentBuildVersion{UserAgentBuildVersion: &corev3.BuildVersion{
			Version: &typev3.SemanticVersion{MajorNumber: 1, MinorNumber: 40},
		}},
		Extensions: []*corev3.Extension{{Name: "envoy.wasm.runtime.v8", Category: "envoy.wasm.runtime"}},
	}
}

func refusal() *statuspb.Status {
	return &statuspb.Status{Code: int32(codes.Internal), Message: "Unable to create Wasm plugin auth"}
}

// refuse sends a refusal for each response, as fast as possible.
func refuse(t *testing.T, cancel context.CancelFunc, answer func() error) *refuser {
	r, ended := &refuser{}, make(chan error, 1)
	go func() {
		for {
			if err := answer(); err != nil {
				ended <- err
				return
			}
			r.answers.Add(1)
		}
	}()
	stopped := false
	r.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; errors.Is(err, io.EOF) {
			t.Error("the server ended the stream")
		}
	}
	t.Cleanup(r.stop)
	return r
}

func refuseDelta(t *testing.T, conn *grpc.ClientConn) *refuser {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	stream, err := discoveryv3.NewAggregatedDiscoveryServiceClient(conn).DeltaAggregatedResources(ctx)
	if err == nil {
		err = stream.Send(&discoveryv3.DeltaDiscoveryRequest{
			Node: refuserIdentity(), TypeUrl: resourcev3.ExtensionConfigType, ResourceNamesSubscribe: []string{auth},
		})
	}
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	return refuse(t, cancel, func() error {
		response, err := stream.Recv()
		if err != nil {
			return err
		}
		return stream.Send(&discoveryv3.DeltaDiscoveryRequest{
			TypeUrl: resourcev3.ExtensionConfigType, ResponseNonce: response.GetNonce(), ErrorDetail: refusal(),
		})
	})
}

func refuseSotW(t *testing.T, conn *grpc.ClientConn) *refuser {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	stream, err := discoveryv3.NewAggregatedDiscoveryServiceClient(conn).StreamAggregatedResources(ctx)
	request := &discoveryv3.DiscoveryRequest{TypeUrl: resourcev3.ExtensionConfigType, ResourceNames: []string{auth}}
	if err == nil {
		first := &discoveryv3.DiscoveryRequest{
			Node: refuserIdentity(), TypeUrl: request.GetTypeUrl(), ResourceNames: request.GetResourceNames(),
		}
		err = stream.Send(first)
	}
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	return refuse(t, cancel, func() error {
		response, err := stream.Recv()
		if err != nil {
			return err
		}
		// A NACK names the last accepted version, and no version was accepted.
		request.ResponseNonce, request.ErrorDetail = response.GetNonce(), refusal()
		return stream.Send(request)
	})
}
