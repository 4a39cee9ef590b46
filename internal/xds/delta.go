package xds

import (
	"slices"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	cachev3 "github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	deltav3 "github.com/envoyproxy/go-control-plane/pkg/server/delta/v3"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/xds/subscription"
	"github.com/wasm-xds/wasm-xds/internal/xds/wire"
)

// deltaStream is a delta stream, as both sides of its go-control-plane server. Several responses
// may be unanswered, each under its own nonce. The goroutines are the same as in [sotwStream].
type deltaStream struct {
	stream
	grpc.ServerStream
	requests deltaReader
	names    subscription.Delta
	queue    queue[cachev3.DeltaResponse]
	unwatch  func()                             // queue.close
	sending  *response                          // the loop has asked for its message; nil: none
	message  discoveryv3.DeltaDiscoveryResponse // see sotwStream
	out      wire.Outgoing
	sent     []unanswered
}

// newDeltaStream makes a stream, which begins with [stream.begin].
func newDeltaStream(g grpc.ServerStream) *deltaStream {
	s := &deltaStream{ServerStream: g}
	s.requests.stream, s.requests.from = &s.stream, g
	s.unwatch = s.queue.close
	return s
}

// run is the life of the stream.
func (s *deltaStream) run() error {
	return deltav3.NewServer(s.ctx, s, nil, deltav3.WithLogger(silentLogger{}),
		deltav3.DeactivateLegacyWildcard()).DeltaStreamHandler(s, s.typeURL)
}

// Recv reads a request.
func (s *deltaStream) Recv() (*discoveryv3.DeltaDiscoveryRequest, error) { return s.requests.next() }

// CreateDeltaWatch takes a request. All watches of a stream have the same channel.
func (s *deltaStream) CreateDeltaWatch(q *cachev3.DeltaRequest, _ cachev3.Subscription, watch chan cachev3.DeltaResponse) (func(), error) {
	request := s.requests.whole(q)
	if served, err := s.arrive(request.node, q.GetTypeUrl()); !served {
		return nil, err
	}
	request.node = nil
	event := delivery.Requested{Stream: s.id, Answer: s.answer(q.GetResponseNonce(), q.GetErrorDetail())}
	event.Unsubscribe = s.names.Unsubscribe(request.dropped)
	if request.first != nil {
		event.Subscribe = s.names.First(request.first, request.accepted)
	} else {
		event.Subscribe = s.names.Subscribe(request.added)
	}
	request.first, request.added, request.dropped, request.accepted = nil, nil, nil, nil
	if s.names.Len() > s.shared.limits.NamesPerStream {
		return nil, s.refuse(LimitNamesPerStream)
	}
	s.queue.open(watch, false)
	if err := s.emit(s.isDelta(), request.size, event); err != nil {
		return nil, err
	}
	return s.unwatch, nil
}

// answer is a request's answer to an unanswered response; nil: none.
func (s *deltaStream) answer(nonce string, detail *status.Status) *delivery.Answer {
	at := slices.IndexFunc(s.sent, func(u unanswered) bool { return u.answeredBy(nonce) })
	if at < 0 {
		return nil
	}
	name := s.sent[at].name
	s.sent = shrink(slices.Delete(s.sent, at, at+1))
	return answerTo(name, detail)
}

// CreateWatch is never called: the delta loop makes no such watch.
func (*deltaStream) CreateWatch(*cachev3.Request, cachev3.Subscription, chan cachev3.Response) (func(), error) {
	return nil, errOtherProtocol
}

func (*deltaStream) isDelta() bool { return true }

// deliver takes a response from delivery. The response goes out as soon as the loop takes it.
func (s *deltaStream) deliver(r response) {
	s.queue.put(&deltaResponse{DeltaPassthroughResponse: &s.shared.delta, response: r, stream: s})
}

// deltaResponse is sotwResponse for delta.
type deltaResponse struct {
	*cachev3.DeltaPassthroughResponse
	response
	stream *deltaStream
}

// GetDeltaDiscoveryResponse returns the stream's message. [deltaStream.Send] follows at once.
func (r *deltaResponse) GetDeltaDiscoveryResponse() (*discoveryv3.DeltaDiscoveryResponse, error) {
	r.stream.queue.take(true)
	r.stream.sending = &r.response
	return &r.stream.message, nil
}

// Send sends the response of which the loop has asked for the message.
func (s *deltaStream) Send(message *discoveryv3.DeltaDiscoveryResponse) error {
	r, nonce := s.sending, message.GetNonce()
	s.sending = nil
	s.sent = append(s.sent, unanswered{nonce, r.name})
	s.out.Message = wire.Delta(r.resources, nonce)
	err := s.SendMsg(&s.out)
	s.out.Message = nil // the resources may be large
	return err
}
