package envoyfacts

import (
	"context"
	"sync"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	extensionv3 "github.com/envoyproxy/go-control-plane/envoy/service/extension/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/service/listener/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/peer"
	"google.golang.org/protobuf/proto"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

const (
	filterType   = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig"
	listenerType = "type.googleapis.com/envoy.config.listener.v3.Listener"

	// everyListener stands for a wildcard subscription, which has no names.
	everyListener = "*"
)

// xdsServer records Envoys' requests and sends only the responses of the test.
type xdsServer struct {
	extensionv3.UnimplementedExtensionConfigDiscoveryServiceServer
	listenerv3.UnimplementedListenerDiscoveryServiceServer

	t       *testing.T
	address string
	options []grpc.ServerOption

	mu      sync.Mutex
	streams []*stream

	reports reports
}

// stream is one xDS stream. The server's lock guards the fields.
type stream struct {
	server *xdsServer
	delta  bool
	out    chan proto.Message
	end    chan error // ends a delta stream with a status
	ctx    context.Context
	client string // address of the connection

	requests []request
	taken    bool
	sent     int // number of responses, also the source of nonces
}

// request is a DiscoveryRequest or a DeltaDiscoveryRequest.
type request struct {
	typeURL   string
	node      *corev3.Node
	names     []string          // resource_names, or resource_names_subscribe
	dropped   []string          // resource_names_unsubscribe
	version   string            // version_info, SotW only
	initial   map[string]string // initial_resource_versions, delta only
	nonce     string
	nack      string // error_detail's message
	nackedYet bool   // error_detail is present
}

func startXDS(t *testing.T) *xdsServer {
	t.Helper()
	s := &xdsServer{t: t, address: harness.Loopback(harness.FreePort(t))}
	s.listen()
	return s
}

// listen serves until stop is called or the test ends.
func (s *xdsServer) listen() (stop func()) {
	s.t.Helper()
	listener := harness.Listen(s.t, s.address)
	server := grpc.NewServer(append(s.options, grpc.MaxRecvMsgSize(64<<20))...)
	extensionv3.RegisterExtensionConfigDiscoveryServiceServer(server, s)
	listenerv3.RegisterListenerDiscoveryServiceServer(server, s)
	discoveryv3.RegisterAggregatedDiscoveryServiceServer(server, adsServer{s: s})
	s.reports.register(server)
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	stop = sync.OnceFunc(func() {
		server.Stop()
		serving.Wait()
	})
	s.t.Cleanup(stop)
	return stop
}

// adsServer serves the same streams as the ADS service.
type adsServer struct {
	discoveryv3.UnimplementedAggregatedDiscoveryServiceServer
	s *xdsServer
}

func (a adsServer) StreamAggregatedResources(g discoveryv3.AggregatedDiscoveryService_StreamAggregatedResourcesServer) error {
	return a.s.sotw(g)
}

func (a adsServer) DeltaAggregatedResources(g discoveryv3.AggregatedDiscoveryService_DeltaAggregatedResourcesServer) error {
	return a.s.incremental(g)
}

func (s *xdsServer) StreamExtensionConfigs(g extensionv3.ExtensionConfigDiscoveryService_StreamExtensionConfigsServer) error {
	return s.sotw(g)
}

func (s *xdsServer) DeltaExtensionConfigs(g extensionv3.ExtensionConfigDiscoveryService_DeltaExtensionConfigsServer) error {
	return s.incremental(g)
}

func (s *xdsServer) DeltaListeners(g listenerv3.ListenerDiscoveryService_DeltaListenersServer) error {
	return s.incremental(g)
}

func (s *xdsServer) open(delta bool, ctx context.Context) *stream {
	st := &stream{server: s, delta: delta, ctx: ctx, out: make(chan proto.Message, 100), end: make(chan error, 1)}
	if p, ok := peer.FromContext(ctx); ok {
		st.client = p.Addr.String()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streams = append(s.streams, st)
	return st
}

func (st *stream) record(r request) {
	st.server.mu.Lock()
	defer st.server.mu.Unlock()
	st.requests = append(st.requests, r)
}

// pump sends the test's responses until the stream ends.
func (st *stream) pump(send func(proto.Message) error) {
	for {
		select {
		case message := <-st.out:
			if send(message) != nil {
				return
			}
		case <-st.ctx.Done():
			return
		}
	}
}

func (s *xdsServer) sotw(g grpc.BidiStreamingServer[discoveryv3.DiscoveryRequest, discoveryv3.DiscoveryResponse]) error {
	st := s.open(false, g.Context())
	var pumping sync.WaitGroup
	defer pumping.Wait()
	pumping.Go(func() {
		st.pump(func(m proto.Message) error { return g.Send(m.(*discoveryv3.DiscoveryResponse)) })
	})
	for {
		r, err := g.Recv()
		if err != nil {
			return err
		}
		st.record(request{
			typeURL: r.GetTypeUrl(), node: r.GetNode(), names: r.GetResourceNames(), version: r.GetVersionInfo(),
			nonce: r.GetResponseNonce(), nack: r.GetErrorDetail().GetMessage(), nackedYet: r.GetErrorDetail() != nil,
		})
	}
}

func (s *xdsServer) incremental(g grpc.BidiStreamingServer[discoveryv3.DeltaDiscoveryRequest, discoveryv3.DeltaDiscoveryResponse]) error {
	st := s.open(true, g.Context())
	go st.pump(func(m proto.Message) error { return g.Send(m.(*discoveryv3.DeltaDiscoveryResponse)) }) // ends with the handler
	received := make(chan error, 1)
	go func() {
		for {
			r, err := g.Recv()
			if err != nil {
				received <- err
				return
			}
			st.record(request{
				typeURL: r.GetTypeUrl(), node: r.GetNode(), names: r.GetResourceNamesSubscribe(),
				dropped: r.GetResourceNamesUnsubscribe(), initial: r.GetInitialResourceVersions(),
				nonce: r.GetResponseNonce(), nack: r.GetErrorDetail().GetMessage(), nackedYet: r.GetErrorDetail() != nil,
			})
		}
	}()
	select {
	case err := <-received:
		return err
	case err := <-st.end:
		return err
	}
}

// stream waits for a stream that subscribes to name, or to every listener if name is
// [everyListener]. The test must not have taken the stream before.
func (s *xdsServer) stream(name string) *stream {
	s.t.Helper()
	var found *stream
	ok := harness.Poll(s.t.Context(), func() bool {
		found = s.untaken(name)
		return found != nil
	})
	if !ok {
		s.t.Fatalf("no Envoy has asked for %s", name)
	}
	return found
}

// untaken takes an open stream as stream does, without a wait; nil: there is none.
func (s *xdsServer) untaken(name string) *stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range s.streams {
		if st.taken || st.ctx.Err() != nil {
			continue
		}
		for _, r := range st.requests {
			if contains(r.names, name) || name == everyListener && r.typeURL == listenerType {
				st.taken = true
				return st
			}
		}
	}
	return nil
}

func contains(names []string, name string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}

// first returns the stream's first request.
func (st *stream) first() request {
	st.server.mu.Lock()
	defer st.server.mu.Unlock()
	return st.requests[0]
}

// firstFor returns the stream's first request for a name.
func (st *stream) firstFor(name string) request {
	st.server.mu.Lock()
	defer st.server.mu.Unlock()
	for _, r := range st.requests {
		if contains(r.names, name) {
			return r
		}
	}
	return request{}
}

// asked waits until the stream has asked for all names.
func (st *stream) asked(names ...string) {
	t := st.server.t
	t.Helper()
	ok := harness.Poll(t.Context(), func() bool {
		st.server.mu.Lock()
		defer st.server.mu.Unlock()
		seen := map[string]bool{}
		for _, r := range st.requests {
			for _, name := range r.names {
				seen[name] = true
			}
		}
		for _, name := range names {
			if !seen[name] {
				return false
			}
		}
		return true
	})
	if !ok {
		t.Fatalf("no Envoy has asked for %v", names)
	}
}
