package xds

import (
	"context"
	"sync"
	"sync/atomic"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	extensionv3 "github.com/envoyproxy/go-control-plane/envoy/service/extension/v3"
	resourcev3 "github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/ending"
	"github.com/wasm-xds/wasm-xds/internal/signal"
	"github.com/wasm-xds/wasm-xds/internal/xds/wire"
)

// Builder makes the first resource of a send. Cached never blocks, Build may read files. Both are
// safe for concurrent use. The resources are shared: read only.
type Builder interface {
	Cached(delivery.Send) *wire.Resource // nil: the resource has to be built
	Build(context.Context, delivery.Send) (*wire.Resource, error)
}

// Server is the ECDS and ADS service.
type Server struct {
	ctx     context.Context
	builder Builder
	shared  shared
	pushed  func(variant string, resources, bytes int) // nil: pushes are not counted
	clients *Identities                                // nil: clients are not identified
	reports *reports                                   // nil: reports are not taken
	lastID  atomic.Uint64
	streams sync.Map // by delivery.StreamID: conversation
	builds  ending.Group
}

// conversation is a stream in either protocol.
type conversation interface {
	isDelta() bool
	run() error         // the life of the stream
	deliver(response)   // does not block; any goroutine
	refuse(Limit) error // ends the stream; any goroutine
	recheck()           // decides about the client again; any goroutine
}

// NewServer makes the service. Its streams end with ctx.
func NewServer(ctx context.Context, handler Handler, builder Builder, limits Limits, logger *zap.Logger) *Server {
	s := &Server{ctx: ctx, builder: builder}
	s.shared.handler, s.shared.limits, s.shared.logger = handler, limits.WithDefaults(), logger
	s.shared.pace = newPace(s.shared.limits.ConnectRate)
	s.shared.sotw.Request = &discoveryv3.DiscoveryRequest{TypeUrl: resourcev3.ExtensionConfigType}
	s.shared.delta.DeltaRequest = &discoveryv3.DeltaDiscoveryRequest{TypeUrl: resourcev3.ExtensionConfigType}
	return s
}

// CountPushes has the resources handed to streams counted, with their bytes on the wire, by variant
// or stand-in. Call CountPushes before [Server.Register].
func (s *Server) CountPushes(count func(variant string, resources, bytes int)) { s.pushed = count }

// ReportForeign has requests for other resources reported, from any goroutine, once for each stream
// and type. Call ReportForeign before [Server.Register].
func (s *Server) ReportForeign(report func(Foreign)) { s.shared.foreign = report }

// Unknown answers calls of services and methods that wasm-xds does not have.
func (s *Server) Unknown() grpc.ServerOption {
	return grpc.UnknownServiceHandler(func(_ any, g grpc.ServerStream) error {
		method, _ := grpc.MethodFromServerStream(g)
		if s.shared.foreign != nil && method != WhoMethod {
			s.shared.foreign(foreignMethod(method, peerAddress(g.Context())))
		}
		return errOnlyECDS
	})
}

// fetched notes a call of FetchExtensionConfigs.
func (s *Server) fetched(ctx context.Context) {
	if s.shared.foreign != nil {
		s.shared.foreign(foreignMethod("/envoy.service.extension.v3.ExtensionConfigDiscoveryService/FetchExtensionConfigs", peerAddress(ctx)))
	}
}

// Identify binds the node of each stream to the certificate of its client. Call Identify before
// [Server.Register].
func (s *Server) Identify(all Identities) { s.clients = &all }

// TakeReports has the server put the reports of Envoys into a store. Call TakeReports before
// [Server.Register].
func (s *Server) TakeReports(store *signal.Store) { s.reports = newReports(&s.shared, store) }

// Recheck decides about the clients of all streams again, after the rules have changed. A stream
// whose client may not be its node any more ends, and delivery hears of other changes.
func (s *Server) Recheck() {
	s.streams.Range(func(_, value any) bool {
		value.(conversation).recheck()
		return true
	})
}

// Waiting is how many streams wait for their turn, see [Limits.ConnectRate].
func (s *Server) Waiting() int { return int(s.shared.pace.waiting.Load()) }

// Register adds the service to a gRPC server.
func (s *Server) Register(g *grpc.Server) {
	discoveryv3.RegisterAggregatedDiscoveryServiceServer(g, adsService{streams: s})
	extensionv3.RegisterExtensionConfigDiscoveryServiceServer(g, ecdsService{streams: s})
	if s.reports != nil {
		s.reports.clients = s.clients
		s.reports.register(g)
	}
}

// Stop returns when no build is under way any more, and lets none begin.
func (s *Server) Stop() { s.builds.End() }

// End ends a stream because of a budget. If the stream has ended, End does nothing.
func (s *Server) End(id delivery.StreamID, over delivery.Budget) {
	limit := LimitNames
	if over == delivery.BytesBudget {
		limit = LimitNameBytes
	}
	if value, ok := s.streams.Load(id); ok {
		_ = value.(conversation).refuse(limit) // the stream's handler returns the error
	}
}

// Prepare builds the resource of a send to come. Prepare does not block.
func (s *Server) Prepare(a delivery.Send) {
	if s.builder.Cached(a) != nil {
		return
	}
	s.builds.Go(func() {
		// If this build fails, the send's own build fails the same way and reports the error.
		_, _ = s.builder.Build(s.ctx, a)
	})
}

// Send carries out a send. Send does not block, and does nothing if the stream has ended.
func (s *Server) Send(a delivery.Send) {
	value, ok := s.streams.Load(a.Stream)
	if !ok {
		return
	}
	to := value.(conversation)
	if r, ok := s.respond(a, to.isDelta(), s.cached); ok {
		to.deliver(r)
		return
	}
	s.builds.Go(func() {
		if r, ok := s.respond(a, to.isDelta(), s.build); ok {
			to.deliver(r)
		}
	})
}

func (s *Server) cached(a delivery.Send) (*wire.Resource, bool) {
	resource := s.builder.Cached(a)
	return resource, resource != nil
}

// build makes a resource. Delivery hears of a failure, and the rest of the response goes out.
func (s *Server) build(a delivery.Send) (*wire.Resource, bool) {
	resource, err := s.builder.Build(s.ctx, a)
	if s.ctx.Err() != nil {
		return nil, false // the end of the process is no failure
	}
	if err != nil {
		s.shared.logger.Error("a resource could not be built",
			zap.String("filter", a.Name), zap.String("revision", a.Revision.ID), zap.Error(err))
		s.shared.handler.Handle(s.ctx, delivery.BuildFailed{Stream: a.Stream, Name: a.Name, Reason: err.Error()})
	}
	return resource, true
}

// respond puts a response together; false: take gave up, or made no resource. Only a whole response
// is counted.
func (s *Server) respond(a delivery.Send, isDelta bool, take func(delivery.Send) (*wire.Resource, bool)) (r response, ok bool) {
	first := a.Resource
	part := func(i int) delivery.Resource {
		if i == 0 {
			return first
		}
		return a.Others[i-1]
	}
	taken := make([]*wire.Resource, 1+len(a.Others))
	for i := range taken {
		a.Resource = part(i)
		if taken[i], ok = take(a); !ok {
			return r, false
		}
	}
	r = newResponse(taken[:0], isDelta, a.More)
	var sent tally
	for i, resource := range taken {
		if resource != nil {
			sent.add(s.pushed, carries(part(i)), resource.Len())
			r.add(part(i), resource)
		}
	}
	sent.flush(s.pushed)
	return r, len(r.resources) > 0
}

func (s *Server) sotw(g grpc.ServerStream, typeURL string) error {
	st := newSotWStream(g)
	return s.serve(g.Context(), st, &st.stream, typeURL)
}

func (s *Server) delta(g grpc.ServerStream, typeURL string) error {
	st := newDeltaStream(g)
	return s.serve(g.Context(), st, &st.stream, typeURL)
}

// serve runs a stream from its beginning to its end. common is the [stream] in c.
func (s *Server) serve(g context.Context, c conversation, common *stream, typeURL string) error {
	s.begin(g, c, common, typeURL)
	defer common.close()
	defer s.streams.Delete(common.id)
	if !s.shared.admission.enter(s.shared.limits.Streams) {
		return common.refuse(LimitStreams)
	}
	if !s.shared.pace.enter(g) {
		if err := g.Err(); err != nil {
			return err
		}
		return common.refuse(LimitConnectRate)
	}
	return common.result(c.run())
}

// begin gives a stream an id. From now on the stream gets responses.
func (s *Server) begin(g context.Context, c conversation, common *stream, typeURL string) {
	common.begin(s.ctx, g, &s.shared, delivery.StreamID(s.lastID.Add(1)), typeURL)
	if s.clients != nil {
		common.bond.all, common.bond.certificate = s.clients, certificateOf(g)
	}
	s.streams.Store(common.id, c)
}
