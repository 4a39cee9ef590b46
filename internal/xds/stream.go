package xds

import (
	"context"
	"slices"
	"sync"

	cachev3 "github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	resourcev3 "github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"go.uber.org/zap"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	rpcstatus "google.golang.org/grpc/status"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/identity"
	"github.com/wasm-xds/wasm-xds/internal/inflow"
	"github.com/wasm-xds/wasm-xds/internal/xds/subscription"
)

// Handler takes the events of the streams, in each stream's order. The methods may block, which
// holds up only that stream. They return false if the events were not taken before the end of ctx.
type Handler interface {
	Handle(context.Context, delivery.Event) bool
	// Begin takes the beginning of a stream, or a request for further names. Clients can make many
	// of them, so they wait behind other events.
	Begin(context.Context, ...delivery.Event) bool
	// Knows says whether a spec has the name.
	Knows(name string) bool
}

// shared is the part of a server that its streams use. Safe for concurrent use.
type shared struct {
	handler   Handler
	limits    Limits
	logger    *zap.Logger
	admission admission
	pace      *pace
	foreign   func(Foreign) // nil: not reported
	lists     subscription.Lists
	packs     subscription.Packs
	// The loop asks a response for the type of its request. All responses share these two, because
	// the real requests would stay in memory.
	sotw  cachev3.PassthroughResponse
	delta cachev3.DeltaPassthroughResponse
}

// stream is the part of a stream for both protocols: the client, the stream's end, and the events
// for delivery.
type stream struct {
	id      delivery.StreamID
	address string
	typeURL string // of the service: AnyType is ADS
	shared  *shared
	client  context.Context // ends with the client's side of the stream
	inflow  inflow.Stream
	ctx     context.Context // ends go-control-plane's loop
	end     context.CancelFunc
	bond    bond

	// Used only by the loop's goroutine.
	counted   nodeKey         // the zero value: the node has not been counted
	node      delivery.Node   // until the stream is announced
	announced bool            // delivery knows the stream
	foreign   map[string]bool // the other types that were reported; at most mostForeign

	mu     sync.Mutex
	cause  error  // of the end; nil: the client's, or the process's end
	nodeID string // for a Refusal
}

// begin fills a new stream. The stream ends with ctx, and its client with the context of gRPC.
func (s *stream) begin(ctx, client context.Context, all *shared, id delivery.StreamID, typeURL string) {
	address := peerAddress(client)
	s.id, s.address, s.typeURL, s.shared, s.client = id, address, typeURL, all, client
	s.inflow = inflow.From(client)
	s.node = describe(nil, address)
	s.ctx, s.end = context.WithCancel(ctx)
}

// serves says whether requests of a type get answers. An ECDS stream's requests need no type.
func (s *stream) serves(typeURL string) bool {
	return typeURL == resourcev3.ExtensionConfigType || typeURL == "" && s.typeURL == resourcev3.ExtensionConfigType
}

// arrive takes the common part of a request: the type, and the node if the request describes the
// node. Requests of other types are not served. The first request counts the stream for its node,
// before delivery hears of the stream.
func (s *stream) arrive(node *delivery.Node, typeURL string) (served bool, err error) {
	if node != nil {
		s.node = *node
	}
	switch {
	case !s.serves(typeURL):
		s.reportType(typeURL)
		return false, nil
	case s.counted != (nodeKey{}):
		return true, nil
	}
	if err := s.admit(); err != nil {
		return false, err
	}
	s.counted = keyOf(s.node.ID, s.address)
	if !s.shared.admission.enterNode(s.counted, s.shared.limits.StreamsPerNode) {
		return false, s.refuse(LimitStreamsPerNode)
	}
	return true, nil
}

// mostForeign bounds the reports of a stream. Envoy has fewer types.
const mostForeign = 10

// reportType reports a request for another type, once for each type.
func (s *stream) reportType(typeURL string) {
	if s.shared.foreign == nil || s.foreign[typeURL] || len(s.foreign) >= mostForeign {
		return
	}
	if s.foreign == nil {
		s.foreign = map[string]bool{}
	}
	s.foreign[typeURL] = true
	s.mu.Lock()
	node := s.nodeID
	s.mu.Unlock()
	s.shared.foreign(foreignType(typeURL, node, s.address))
}

// emit sends a request to delivery, with the beginning of the stream before the first request.
// Delivery does not hear of a request whose client has left before its turn. Meanwhile the stream
// holds the size of the request. Names without a spec come last, at the pace of their host. A
// client that has asked for no filter, as doctor does, is no subscriber.
func (s *stream) emit(isDelta bool, size int, event delivery.Requested) error {
	s.inflow.Hold(size)
	defer s.inflow.Release(size)
	if !s.announced && len(event.Subscribe) == 0 {
		return nil
	}
	known, unknown := splitNames(event.Subscribe, s.shared.handler.Knows)
	event.Subscribe = known
	switch {
	case !s.announced:
		opened := delivery.StreamOpened{Stream: s.id, Node: s.node, ADS: s.typeURL == resourcev3.AnyType, Delta: isDelta}
		s.node = delivery.Node{}
		if err := s.announce(opened, event); err != nil {
			return err
		}
	case len(known) > 0:
		s.reportBarred(known)
		s.shared.handler.Begin(s.client, event)
	default:
		s.shared.handler.Handle(s.client, event)
	}
	if len(unknown) > 0 {
		s.emitUnknown(unknown)
	}
	return nil
}

// emitUnknown sends delivery names without a spec, until the stream or its client ends.
func (s *stream) emitUnknown(all []delivery.Subscription) {
	s.reportBarred(all)
	ctx, end := context.WithCancel(s.client)
	defer end()
	defer context.AfterFunc(s.ctx, end)()
	for some := range slices.Chunk(all, namesAtOnce) {
		if !s.inflow.AwaitNames(ctx, len(some)) || !s.shared.handler.Begin(ctx, delivery.Requested{Stream: s.id, Subscribe: some}) {
			return
		}
	}
}

// admit ends the stream if the certificate of the client does not cover the node. The caller
// is the loop, which has not announced the stream.
func (s *stream) admit() error {
	if s.bond.all == nil {
		return nil
	}
	_, no := s.bond.all.Decide(s.bond.certificate, s.node.ID, s.node.Cluster)
	return s.deny(no, s.node.ID, s.node.Cluster)
}

// deny ends the stream because of a refused claim; nil: the claim is not refused.
func (s *stream) deny(no *identity.Refusal, node, cluster string) error {
	if no == nil {
		return nil
	}
	err := rpcstatus.Error(codes.PermissionDenied, "wasm-xds ends this stream: "+no.String())
	if first, _ := s.fail(err); first {
		s.bond.all.Refused(RefusedClaim{s.bond.certificate, claimed(no, node, cluster), s.address, *no})
	}
	return err
}

// announce tells delivery of the stream and its first request. If the client may not have the
// stream any more, because the rules have changed, the stream ends.
func (s *stream) announce(opened delivery.StreamOpened, first delivery.Requested) error {
	if s.bond.all == nil {
		s.announced = s.shared.handler.Begin(s.client, opened, first)
		return nil
	}
	s.bond.mu.Lock()
	grant, no := s.bond.all.Decide(s.bond.certificate, opened.Node.ID, opened.Node.Cluster)
	s.bond.node, s.bond.cluster, s.bond.grant = opened.Node.ID, opened.Node.Cluster, grant
	s.bond.mu.Unlock()
	if no != nil {
		return s.deny(no, opened.Node.ID, opened.Node.Cluster)
	}
	s.reportBarred(first.Subscribe)
	opened.Node.Certificate, opened.Node.Identity, opened.Node.Access = s.bond.certificate.Key(), grant.SAN(), grant
	s.announced = s.shared.handler.Begin(s.client, opened, first)
	s.bond.mu.Lock()
	defer s.bond.mu.Unlock()
	s.bond.told = s.announced
	if s.announced && !s.bond.grant.Equal(grant) {
		s.tellAccess() // the rules have changed while the beginning waited
	}
	return nil
}

// tellAccess tells delivery of the newest grant. bond.mu is locked.
func (s *stream) tellAccess() {
	s.shared.handler.Handle(s.client, delivery.AccessChanged{Stream: s.id, Identity: s.bond.grant.SAN(), Access: s.bond.grant})
}

// recheck decides about the stream again. Any goroutine may call recheck.
func (s *stream) recheck() {
	if s.bond.all == nil {
		return
	}
	s.bond.mu.Lock()
	defer s.bond.mu.Unlock()
	if s.bond.grant == nil {
		return // announce decides with the newest rules
	}
	grant, no := s.bond.all.Decide(s.bond.certificate, s.bond.node, s.bond.cluster)
	switch {
	case no != nil:
		_ = s.deny(no, s.bond.node, s.bond.cluster) // the stream's handler returns the error
	case !grant.Equal(s.bond.grant):
		s.bond.grant = grant
		if s.bond.told {
			s.tellAccess()
		}
	}
}

// reportBarred reports the names that a request asks for and that the client may not have.
func (s *stream) reportBarred(names []delivery.Subscription) {
	if s.bond.all == nil || len(names) == 0 {
		return
	}
	s.bond.mu.Lock()
	grant := s.bond.grant
	s.bond.mu.Unlock()
	for _, one := range names {
		if !grant.Allows(one.Name) {
			s.bond.all.Refused(RefusedClaim{s.bond.certificate, one.Name, s.address, *identity.RefuseFilter(s.bond.certificate, one.Name)})
		}
	}
}

// close tells delivery of the end, when the loop has ended.
func (s *stream) close() {
	s.end()
	s.inflow.Close()
	s.shared.admission.leave(s.counted)
	if s.announced {
		s.shared.handler.Handle(context.WithoutCancel(s.client), delivery.StreamClosed{Stream: s.id})
	}
}

// identify keeps a node's id for a Refusal. Any goroutine may call identify.
func (s *stream) identify(nodeID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nodeID = nodeID
}

// refuse ends the stream because of a limit. Any goroutine may call refuse.
func (s *stream) refuse(limit Limit) error {
	most, err := s.shared.limits.refusal(limit)
	if first, node := s.fail(err); first && s.shared.limits.Refused != nil {
		s.shared.limits.Refused(Refusal{Limit: limit, Most: most, Node: node, Address: s.address})
	}
	return err
}

// fail ends the stream with an error, unless the stream has an error already. Any goroutine may
// call fail.
func (s *stream) fail(err error) (first bool, nodeID string) {
	s.mu.Lock()
	first, nodeID = s.cause == nil, s.nodeID
	if first {
		s.cause = err
	}
	s.mu.Unlock()
	s.end()
	return first, nodeID
}

// result is the return value of the stream's handler: the cause of the end, or the loop's own
// error.
func (s *stream) result(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cause != nil {
		return s.cause
	}
	return err
}

// answerTo is the answer to the response of that name. detail is a NACK's error_detail; nil: an
// ACK.
func answerTo(name string, detail *status.Status) *delivery.Answer {
	return &delivery.Answer{Name: name, Nack: detail != nil, Message: detail.GetMessage()}
}
