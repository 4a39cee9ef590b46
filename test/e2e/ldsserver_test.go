package e2e_test

import (
	"context"
	"net"
	"strconv"
	"testing"

	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	servicev3 "github.com/envoyproxy/go-control-plane/envoy/service/listener/v3"
	resourcev3 "github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// ldsServer serves listeners to an Envoy over delta LDS.
type ldsServer struct {
	servicev3.UnimplementedListenerDiscoveryServiceServer
	t       *testing.T
	address string
	updates chan *discoveryv3.DeltaDiscoveryResponse
	answers chan *discoveryv3.DeltaDiscoveryRequest
	version int
}

// startLDS starts a server that stops with the test.
func startLDS(t *testing.T) *ldsServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &ldsServer{
		t: t, address: listener.Addr().String(),
		updates: make(chan *discoveryv3.DeltaDiscoveryResponse), answers: make(chan *discoveryv3.DeltaDiscoveryRequest),
	}
	server := grpc.NewServer()
	servicev3.RegisterListenerDiscoveryServiceServer(server, l)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		<-ended
	})
	return l
}

// DeltaListeners sends updates to the Envoy and collects the answers.
func (l *ldsServer) DeltaListeners(str servicev3.ListenerDiscoveryService_DeltaListenersServer) error {
	ctx := str.Context()
	go func() {
		for {
			req, err := str.Recv()
			if err != nil {
				return
			}
			if req.GetResponseNonce() == "" {
				continue
			}
			select {
			case l.answers <- req:
			case <-ctx.Done():
				return
			}
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return nil
		case update := <-l.updates:
			if err := str.Send(update); err != nil {
				return err
			}
		}
	}
}

// set adds or replaces listeners and expects Envoy to accept them.
func (l *ldsServer) set(listeners ...*listenerv3.Listener) {
	l.t.Helper()
	update := &discoveryv3.DeltaDiscoveryResponse{}
	l.version++
	for _, one := range listeners {
		resource, err := anypb.New(one)
		if err != nil {
			l.t.Fatal(err)
		}
		update.Resources = append(update.Resources, &discoveryv3.Resource{
			Name: one.GetName(), Version: strconv.Itoa(l.version), Resource: resource,
		})
	}
	l.apply(update)
}

// remove removes a listener.
func (l *ldsServer) remove(name string) {
	l.t.Helper()
	l.apply(&discoveryv3.DeltaDiscoveryResponse{RemovedResources: []string{name}})
}

func (l *ldsServer) apply(update *discoveryv3.DeltaDiscoveryResponse) {
	l.t.Helper()
	l.version++
	update.Nonce, update.TypeUrl = strconv.Itoa(l.version), resourcev3.ListenerType
	ctx, cancel := context.WithTimeout(l.t.Context(), harness.Deadline)
	defer cancel()
	select {
	case l.updates <- update:
	case <-ctx.Done():
		l.t.Fatal("no Envoy asks for listeners")
	}
	for {
		select {
		case answer := <-l.answers:
			if answer.GetResponseNonce() != update.GetNonce() {
				continue
			}
			if detail := answer.GetErrorDetail(); detail != nil {
				l.t.Fatalf("Envoy refuses a listener: %s", detail.GetMessage())
			}
			return
		case <-ctx.Done():
			l.t.Fatal("Envoy does not answer to a listener")
		}
	}
}
