package xds

import (
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	cachev3 "github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	sotwv3 "github.com/envoyproxy/go-control-plane/pkg/server/sotw/v3"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/xds/subscription"
	"github.com/wasm-xds/wasm-xds/internal/xds/wire"
)

// sotwStream is a SotW stream, as both sides of its go-control-plane server: ConfigWatcher and
// Stream. At most one response is on the way or unanswered.
//
// Any goroutine may call deliver. go-control-plane's reading goroutine calls Recv, and the loop
// calls all other methods.
type sotwStream struct {
	stream
	grpc.ServerStream
	requests sotwReader
	names    subscription.SotW
	queue    queue[cachev3.Response]
	unwatch  func()    // queue.close
	sending  *response // taken by the loop, for Send; nil: none
	// message carries the nonce from the loop to Send. The loop finishes a response before the
	// next, and the resources go beside, so all responses of the stream share the message.
	message discoveryv3.DiscoveryResponse
	out     wire.Outgoing
	sent    unanswered
}

// newSotWStream makes a stream, which begins with [stream.begin].
func newSotWStream(g grpc.ServerStream) *sotwStream {
	s := &sotwStream{ServerStream: g}
	s.requests.stream, s.requests.from = &s.stream, g
	s.unwatch = s.queue.close
	return s
}

// run is the life of the stream.
func (s *sotwStream) run() error {
	return sotwv3.NewServer(s.ctx, s, nil, sotwv3.WithLogger(silentLogger{}),
		sotwv3.DeactivateLegacyWildcard(), sotwv3.WithOrderedADS()).StreamHandler(s, s.typeURL)
}

// Recv reads a request.
func (s *sotwStream) Recv() (*discoveryv3.DiscoveryRequest, error) { return s.requests.next() }

// CreateWatch takes a request. go-control-plane drops requests with a stale nonce before.
func (s *sotwStream) CreateWatch(q *cachev3.Request, _ cachev3.Subscription, watch chan cachev3.Response) (func(), error) {
	request := s.requests.whole(q)
	if served, err := s.arrive(request.node, q.GetTypeUrl()); !served {
		return nil, err
	}
	request.node = nil
	versionInfo := ""
	if !s.announced {
		versionInfo = q.GetVersionInfo()
	}
	event := delivery.Requested{Stream: s.id, Answer: s.answer(q.GetResponseNonce(), q.GetErrorDetail())}
	event.Subscribe, event.Unsubscribe = s.names.Request(request.list, versionInfo)
	s.queue.open(watch, true)
	if err := s.emit(s.isDelta(), request.size, event); err != nil {
		return nil, err
	}
	return s.unwatch, nil
}

// answer is a request's answer to the unanswered response; nil: none.
func (s *sotwStream) answer(nonce string, detail *status.Status) *delivery.Answer {
	if !s.sent.answeredBy(nonce) {
		return nil
	}
	name := s.sent.name
	s.sent = unanswered{}
	if detail == nil {
		s.names.Accept()
	} else {
		s.names.Refuse()
	}
	return answerTo(name, detail)
}

// CreateDeltaWatch is never called: the SotW loop makes no such watch.
func (*sotwStream) CreateDeltaWatch(*cachev3.DeltaRequest, cachev3.Subscription, chan cachev3.DeltaResponse) (func(), error) {
	return nil, errOtherProtocol
}

func (*sotwStream) isDelta() bool { return false }

// deliver takes a response from delivery. The response goes out as soon as the client asks.
func (s *sotwStream) deliver(r response) {
	s.queue.put(&sotwResponse{PassthroughResponse: &s.shared.sotw, response: r, stream: s})
}

// sotwResponse is a response on its way through go-control-plane's loop. The loop takes the
// response out of the watch, asks for the message, and sends the message with a nonce.
type sotwResponse struct {
	*cachev3.PassthroughResponse
	response
	stream *sotwStream
}

// GetDiscoveryResponse returns the stream's message. [sotwStream.Send] follows at once.
func (r *sotwResponse) GetDiscoveryResponse() (*discoveryv3.DiscoveryResponse, error) {
	r.stream.queue.take(false)
	r.stream.sending = &r.response
	return &r.stream.message, nil
}

// Send sends the response of which the loop has asked for the message.
func (s *sotwStream) Send(message *discoveryv3.DiscoveryResponse) error {
	r, nonce := s.sending, message.GetNonce()
	s.sending = nil
	s.sent = unanswered{nonce, r.name}
	versionInfo := s.names.Propose(r.pushed, r.more, &s.shared.packs)
	s.out.Message = wire.SotW(r.resources, versionInfo, nonce)
	err := s.SendMsg(&s.out)
	s.out.Message = nil // the resources may be large
	return err
}
