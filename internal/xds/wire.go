package xds

import (
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	cachev3 "github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/mem"
)

// sotwWire is the gRPC stream for go-control-plane's server. The server reads requests without the
// parts of no use to it, and sends words that merely announce a response. The bytes pass by the
// server, and with them nearly all of the cost of a response and its ACK.
type sotwWire struct {
	grpc.ServerStream
	s   *stream
	in  incoming
	out outgoing
	// The server looks at one request while the other is read.
	requests [2]sotwRequest
	read     int
	knows    bool // the node has been read
	// The word, and its response, into which the server puts a nonce.
	word     cachev3.PassthroughResponse
	response discoveryv3.DiscoveryResponse
}

// sotwRequest is a request without resource_names. The names are read in the message.
type sotwRequest struct {
	discoveryv3.DiscoveryRequest
	message mem.Buffer // nil: taken
}

func newSotWWire(g grpc.ServerStream, s *stream) *sotwWire {
	w := &sotwWire{ServerStream: g, s: s}
	w.word.Request, w.word.DiscoveryResponse = &s.server.sotwRequest, &w.response
	s.sotwWord = &w.word
	return w
}

// Recv reads a request, which is valid until the next but one.
func (w *sotwWire) Recv() (*discoveryv3.DiscoveryRequest, error) {
	if err := w.RecvMsg(&w.in); err != nil {
		return nil, w.s.received(err)
	}
	w.read = 1 - w.read
	r := &w.requests[w.read]
	r.take()
	r.message, w.in.message = w.in.message, nil
	err := readSotW(r.message.ReadOnlyData(), w.knows, &r.DiscoveryRequest)
	w.knows = w.knows || isDescribed(r.GetNode())
	return &r.DiscoveryRequest, err
}

// whole is the request that Recv returned, with its bytes.
func (w *sotwWire) whole(r *discoveryv3.DiscoveryRequest) *sotwRequest {
	if r == &w.requests[0].DiscoveryRequest {
		return &w.requests[0]
	}
	return &w.requests[1]
}

// take frees the memory of a request's bytes.
func (r *sotwRequest) take() {
	if r.message != nil {
		r.message.Free()
		r.message = nil
	}
}

// Send sends the first waiting response under the given nonce.
func (w *sotwWire) Send(r *discoveryv3.DiscoveryResponse) error {
	if w.out.message = w.s.goesOut(r.GetNonce()); w.out.message == nil {
		return nil
	}
	return w.SendMsg(&w.out)
}

// deltaWire is sotwWire for the other protocol.
type deltaWire struct {
	grpc.ServerStream
	s        *stream
	in       incoming
	out      outgoing
	requests [2]deltaRequest
	read     int
	knows    bool
	word     cachev3.DeltaPassthroughResponse
	response discoveryv3.DeltaDiscoveryResponse
}

// deltaRequest is a request without resource_names_subscribe.
type deltaRequest struct {
	discoveryv3.DeltaDiscoveryRequest
	asked asked // in place of resource_names_subscribe
}

func newDeltaWire(g grpc.ServerStream, s *stream) *deltaWire {
	w := &deltaWire{ServerStream: g, s: s}
	w.word.DeltaRequest, w.word.DeltaDiscoveryResponse = &s.server.deltaRequest, &w.response
	s.deltaWord = &w.word
	return w
}

// Recv reads a request, which is valid until the next but one.
func (w *deltaWire) Recv() (*discoveryv3.DeltaDiscoveryRequest, error) {
	if err := w.RecvMsg(&w.in); err != nil {
		return nil, w.s.received(err)
	}
	defer w.in.message.Free()
	w.read = 1 - w.read
	r, message := &w.requests[w.read], w.in.message.ReadOnlyData()
	if err := readDelta(message, w.knows, &r.DeltaDiscoveryRequest); err != nil {
		return nil, err
	}
	var err error
	r.asked, err = w.s.server.asksFor(message, !w.knows)
	w.knows = w.knows || isDescribed(r.GetNode())
	return &r.DeltaDiscoveryRequest, err
}

// whole is the request that Recv returned, with its names.
func (w *deltaWire) whole(r *discoveryv3.DeltaDiscoveryRequest) *deltaRequest {
	if r == &w.requests[0].DeltaDiscoveryRequest {
		return &w.requests[0]
	}
	return &w.requests[1]
}

// Send sends the first waiting response under the given nonce.
func (w *deltaWire) Send(r *discoveryv3.DeltaDiscoveryResponse) error {
	if w.out.message = w.s.goesOut(r.GetNonce()); w.out.message == nil {
		return nil
	}
	return w.SendMsg(&w.out)
}
