package preflight

import (
	"fmt"
	"net"
	"sync"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	httpwasmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/wasm/v3"
	networkwasmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/wasm/v3"
	wasmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/wasm/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	extensionv3 "github.com/envoyproxy/go-control-plane/envoy/service/extension/v3"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
	"github.com/wasm-xds/wasm-xds/test/preflight/corpus"
)

// ecds is a delta ECDS server for an Envoy. The test controls the responses.
type ecds struct {
	extensionv3.UnimplementedExtensionConfigDiscoveryServiceServer
	address string

	mu      sync.Mutex
	streams map[string]chan *discoveryv3.DeltaDiscoveryResponse // by filter name
	verdict map[string]string                                   // by nonce: "" or Envoy's error text
	nonce   int
}

func startECDS(t *testing.T) *ecds {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &ecds{
		address: listener.Addr().String(),
		streams: map[string]chan *discoveryv3.DeltaDiscoveryResponse{}, verdict: map[string]string{},
	}
	server := grpc.NewServer(grpc.MaxRecvMsgSize(64 << 20))
	extensionv3.RegisterExtensionConfigDiscoveryServiceServer(server, s)
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) }) // Stop ends it
	t.Cleanup(func() {
		server.Stop()
		serving.Wait()
	})
	return s
}

// DeltaExtensionConfigs notes Envoy's answers and sends the pushes for the stream's filter.
func (s *ecds) DeltaExtensionConfigs(g extensionv3.ExtensionConfigDiscoveryService_DeltaExtensionConfigsServer) error {
	out := make(chan *discoveryv3.DeltaDiscoveryResponse, 1)
	var sending sync.WaitGroup
	defer sending.Wait()
	sending.Go(func() {
		for {
			select {
			case m := <-out:
				if g.Send(m) != nil {
					return
				}
			case <-g.Context().Done():
				return
			}
		}
	})
	for {
		r, err := g.Recv()
		if err != nil {
			return err
		}
		s.mu.Lock()
		for _, name := range r.GetResourceNamesSubscribe() {
			s.streams[name] = out
		}
		if r.GetResponseNonce() != "" {
			s.verdict[r.GetResponseNonce()] = r.GetErrorDetail().GetMessage()
		}
		s.mu.Unlock()
	}
}

// push sends a module to the filter and returns the nonce.
func (s *ecds) push(t *testing.T, name string, c corpus.Case) string {
	t.Helper()
	var out chan *discoveryv3.DeltaDiscoveryResponse
	asked := harness.Poll(t.Context(), func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		out = s.streams[name]
		return out != nil
	})
	if !asked {
		t.Fatalf("Envoy has not asked for %s", name)
	}
	s.mu.Lock()
	s.nonce++
	nonce := fmt.Sprint(s.nonce)
	s.mu.Unlock()
	out <- &discoveryv3.DeltaDiscoveryResponse{
		Nonce: nonce, TypeUrl: "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
		Resources: []*discoveryv3.Resource{{Name: name, Version: nonce, Resource: pack(t, resource(t, name, c))}},
	}
	return nonce
}

// answer returns Envoy's answer to a nonce.
func (s *ecds) answer(nonce string) (nack string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	nack, ok = s.verdict[nonce]
	return nack, ok
}

func resource(t *testing.T, name string, c corpus.Case) proto.Message {
	t.Helper()
	plugin := &wasmv3.PluginConfig{
		Name: name,
		Vm: &wasmv3.PluginConfig_VmConfig{VmConfig: &wasmv3.VmConfig{
			Runtime: "envoy.wasm.runtime.v8",
			Code: &corev3.AsyncDataSource{Specifier: &corev3.AsyncDataSource_Local{Local: &corev3.DataSource{
				Specifier: &corev3.DataSource_InlineBytes{InlineBytes: c.Module},
			}}},
		}},
	}
	if c.Config != nil {
		plugin.Configuration = pack(t, wrapperspb.String(*c.Config))
	}
	var config proto.Message = &httpwasmv3.Wasm{Config: plugin}
	if c.Type == spec.Network {
		config = &networkwasmv3.Wasm{Config: plugin}
	}
	return &corev3.TypedExtensionConfig{Name: name, TypedConfig: pack(t, config)}
}

func pack(t *testing.T, m proto.Message) *anypb.Any {
	t.Helper()
	packed, err := anypb.New(m)
	if err != nil {
		t.Fatal(err)
	}
	return packed
}
