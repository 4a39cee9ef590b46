// Package xds speaks ECDS with Envoys: a go-control-plane server for each stream, over an adapter
// that turns requests into delivery's events and delivery's sends into responses. Streams share no
// server, so no lock is held over two streams.
package xds

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	extensionv3 "github.com/envoyproxy/go-control-plane/envoy/service/extension/v3"
	resourcev3 "github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	deltav3 "github.com/envoyproxy/go-control-plane/pkg/server/delta/v3"
	sotwv3 "github.com/envoyproxy/go-control-plane/pkg/server/sotw/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/ending"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Handler takes the events of the streams, in each stream's order. Handle may block, which holds up
// only that stream.
type Handler interface {
	Handle(delivery.Event)
}

// Builder makes the first resource of a send. Cached never blocks, Build may read files. Both are
// safe for concurrent use. The resources are shared: read only.
type Builder interface {
	Cached(delivery.Send) *Resource // nil: the resource has to be built
	Build(context.Context, delivery.Send) (*Resource, error)
}

// readBuffer fits ACKs of some hundred bytes, which most requests are. With thousands of
// connections, a larger buffer would be unused memory. Larger requests are read past the buffer.
const readBuffer = 2 << 10

// The bytes a client may send ahead of reading. Fixed windows turn off gRPC's search for the best
// window, which sends a ping for each request.
const (
	streamWindow     = 256 << 10
	connectionWindow = 1 << 20
)

// GRPCOptions are the server options of the xDS service: keepalive both ways, to notice a dead peer
// in seconds, room for long lists of names, and little memory for each connection.
func GRPCOptions(limits Limits) []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ForceServerCodecV2(newCodec()),
		grpc.WaitForHandlers(true), // Stop returns when no stream's goroutine is left
		grpc.MaxRecvMsgSize(limits.WithDefaults().RequestSize),
		grpc.ReadBufferSize(readBuffer),
		grpc.StaticStreamWindowSize(streamWindow), grpc.StaticConnWindowSize(connectionWindow),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: 15 * time.Second, Timeout: 10 * time.Second}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}),
	}
}

// Server is the ECDS and ADS service.
type Server struct {
	ctx       context.Context
	handler   Handler
	builder   Builder
	logger    *zap.Logger
	limits    Limits
	pushed    func(variant string, resources, bytes int) // nil: pushes are not counted
	lastID    atomic.Uint64
	streams   sync.Map // by delivery.StreamID: *stream
	builds    ending.Group
	listings  listings
	admission admission
	packs     packs
	// go-control-plane's requests for all responses, of which it needs only the type. The real
	// requests, with their names, would stay in memory until the next request.
	sotwRequest  discoveryv3.DiscoveryRequest
	deltaRequest discoveryv3.DeltaDiscoveryRequest
}

// NewServer makes the service. Its streams end with ctx.
func NewServer(ctx context.Context, handler Handler, builder Builder, limits Limits, logger *zap.Logger) *Server {
	s := &Server{ctx: ctx, handler: handler, builder: builder, limits: limits.WithDefaults(), logger: logger}
	s.sotwRequest.TypeUrl, s.deltaRequest.TypeUrl = resourcev3.ExtensionConfigType, resourcev3.ExtensionConfigType
	return s
}

// CountPushes has the resources handed to streams counted, with their bytes on the wire, by variant
// or stand-in. Call it before the service is registered.
func (s *Server) CountPushes(count func(variant string, resources, bytes int)) { s.pushed = count }

// Register adds the service to a gRPC server.
func (s *Server) Register(g *grpc.Server) {
	discoveryv3.RegisterAggregatedDiscoveryServiceServer(g, adsService{s: s})
	extensionv3.RegisterExtensionConfigDiscoveryServiceServer(g, ecdsService{s: s})
}

// Stop returns when no build is under way any more, and lets none begin.
func (s *Server) Stop() { s.builds.End() }

// Prepare builds the resource of a send to come. It does not block.
func (s *Server) Prepare(a delivery.Send) {
	if s.builder.Cached(a) != nil {
		return
	}
	s.builds.Go(func() {
		// If this build fails, the send's own build fails the same way and reports the error.
		_, _ = s.builder.Build(s.ctx, a)
	})
}

// Send carries out a send. It does not block. If the stream has ended, Send does nothing.
func (s *Server) Send(a delivery.Send) {
	value, ok := s.streams.Load(a.Stream)
	if !ok {
		return
	}
	st := value.(*stream)
	if r, ok := s.make(st, a, s.cached); ok {
		st.deliver(r)
		return
	}
	s.builds.Go(func() {
		if r, ok := s.make(st, a, s.build); ok {
			st.deliver(r)
		}
	})
}

func (s *Server) cached(a delivery.Send) (*Resource, bool) {
	resource := s.builder.Cached(a)
	return resource, resource != nil
}

// build makes a resource. Delivery hears of a failure, and the rest of the response goes out.
func (s *Server) build(a delivery.Send) (*Resource, bool) {
	resource, err := s.builder.Build(s.ctx, a)
	if s.ctx.Err() != nil {
		return nil, false // the end of the process is no failure
	}
	if err != nil {
		s.logger.Error("a resource could not be built",
			zap.String("filter", a.Name), zap.String("revision", a.Revision.ID), zap.Error(err))
		s.handler.Handle(delivery.BuildFailed{Stream: a.Stream, Name: a.Name, Reason: err.Error()})
	}
	return resource, true
}

// make puts a response together; false: take gave up, or made no resource.
func (s *Server) make(st *stream, a delivery.Send, take func(delivery.Send) (*Resource, bool)) (r response, ok bool) {
	r.more = a.More
	var sent tally
	add := func(one delivery.Resource) bool {
		a.Resource = one
		resource, ok := take(a)
		if resource != nil {
			sent.add(s.pushed, carries(one), resource.Len())
		}
		switch {
		case resource == nil:
		case r.resource == nil:
			r.part = st.part(one, resource)
		default:
			r.others = append(r.others, st.part(one, resource))
		}
		return ok
	}
	if !add(a.Resource) {
		return r, false
	}
	r.others = slices.Grow(r.others, len(a.Others))
	for _, other := range a.Others {
		if !add(other) {
			return r, false
		}
	}
	sent.flush(s.pushed)
	return r, r.resource != nil
}

// carries is the variant of a resource, or the name of the stand-in.
func carries(r delivery.Resource) string {
	switch {
	case !r.Revision.BuiltIn:
		return r.Version.Variant.String()
	case r.Revision.Policy == spec.Open:
		return delivery.ServingPassthrough.String()
	default:
		return delivery.ServingDeny.String()
	}
}

// tally counts the resources of a response, equal variants together. The zero value is empty.
type tally struct {
	variant          string
	resources, bytes int
}

func (t *tally) add(count func(string, int, int), variant string, bytes int) {
	if t.variant != variant {
		t.flush(count)
		t.variant = variant
	}
	t.resources++
	t.bytes += bytes
}

func (t *tally) flush(count func(string, int, int)) {
	if count != nil && t.resources > 0 {
		count(t.variant, t.resources, t.bytes)
	}
	*t = tally{}
}

func (s *Server) sotw(g grpc.ServerStream, typeURL string) error {
	st := s.open(g.Context(), typeURL, false)
	defer st.end()
	if !s.admission.enter(s.limits.Streams) {
		defer st.close()
		return st.refuse(LimitStreams)
	}
	wire := newSotWWire(g, st)
	return st.result(sotwv3.NewServer(st.ctx, st, sotwCallbacks{st, wire}, sotwv3.WithLogger(silentLogger{}),
		sotwv3.DeactivateLegacyWildcard(), sotwv3.WithOrderedADS()).StreamHandler(wire, typeURL))
}

func (s *Server) delta(g grpc.ServerStream, typeURL string) error {
	st := s.open(g.Context(), typeURL, true)
	defer st.end()
	if !s.admission.enter(s.limits.Streams) {
		defer st.close()
		return st.refuse(LimitStreams)
	}
	wire := newDeltaWire(g, st)
	return st.result(deltav3.NewServer(st.ctx, st, deltaCallbacks{st, wire}, deltav3.WithLogger(silentLogger{}),
		deltav3.DeactivateLegacyWildcard()).DeltaStreamHandler(wire, typeURL))
}

func (s *Server) open(ctx context.Context, typeURL string, isDelta bool) *stream {
	address := peerAddress(ctx)
	st := &stream{
		id: delivery.StreamID(s.lastID.Add(1)), server: s, address: address, node: describe(nil, address),
		ads: typeURL == resourcev3.AnyType, delta: isDelta,
	}
	st.unwatch = st.cancel
	st.ctx = st.endable(s.ctx)
	s.streams.Store(st.id, st)
	return st
}

type adsService struct {
	discoveryv3.UnimplementedAggregatedDiscoveryServiceServer
	s *Server
}

func (a adsService) StreamAggregatedResources(str discoveryv3.AggregatedDiscoveryService_StreamAggregatedResourcesServer) error {
	return a.s.sotw(str, resourcev3.AnyType)
}

func (a adsService) DeltaAggregatedResources(str discoveryv3.AggregatedDiscoveryService_DeltaAggregatedResourcesServer) error {
	return a.s.delta(str, resourcev3.AnyType)
}

type ecdsService struct {
	extensionv3.UnimplementedExtensionConfigDiscoveryServiceServer
	s *Server
}

func (e ecdsService) StreamExtensionConfigs(str extensionv3.ExtensionConfigDiscoveryService_StreamExtensionConfigsServer) error {
	return e.s.sotw(str, resourcev3.ExtensionConfigType)
}

func (e ecdsService) DeltaExtensionConfigs(str extensionv3.ExtensionConfigDiscoveryService_DeltaExtensionConfigsServer) error {
	return e.s.delta(str, resourcev3.ExtensionConfigType)
}

func (e ecdsService) FetchExtensionConfigs(context.Context, *discoveryv3.DiscoveryRequest) (*discoveryv3.DiscoveryResponse, error) {
	// REST polling has no ACK and no NACK: the status could not tell the truth.
	return nil, status.Error(codes.Unimplemented, "use a gRPC stream: StreamExtensionConfigs or DeltaExtensionConfigs")
}

// silentLogger keeps go-control-plane quiet: the events say everything.
type silentLogger struct{}

func (silentLogger) Debugf(string, ...any) {}
func (silentLogger) Infof(string, ...any)  {}
func (silentLogger) Warnf(string, ...any)  {}
func (silentLogger) Errorf(string, ...any) {}
