package xds

import (
	"fmt"
	"unicode/utf8"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/identity"
	"github.com/wasm-xds/wasm-xds/internal/xds/subscription"
	"github.com/wasm-xds/wasm-xds/internal/xds/wire"
)

// reader reads a stream's requests, in go-control-plane's reading goroutine. The loop gets a
// request with the fields that the loop reads. The node and the names go beside, in the stream's
// own form. The loop would keep them for the life of the stream.
type reader struct {
	stream    *stream
	from      grpc.ServerStream
	in        wire.Incoming
	described bool // the node has been read
	held      int  // bytes of the last request, which the loop has not taken yet
	// id and cluster are those of the node.
	id, cluster string
}

// messageHeader is the length of gRPC's header of a message, in bytes.
const messageHeader = 5

// receive returns the bytes of the next request. The caller frees them.
func (r *reader) receive() (mem.Buffer, error) {
	r.stream.inflow.Release(r.held) // go-control-plane reads on once the loop has taken a request
	r.held = 0
	if err := r.from.RecvMsg(&r.in); err != nil {
		if status.Code(err) == codes.ResourceExhausted {
			err = r.stream.refuse(LimitRequestSize)
		}
		return nil, err
	}
	message := r.in.Message
	r.in.Message = nil
	r.held = messageHeader + message.Len()
	return message, nil
}

// malformed ends the stream because a request is no valid message.
func (r *reader) malformed(text string) error {
	err := status.Error(codes.InvalidArgument, text)
	r.stream.fail(err)
	return err
}

// describe returns the part of a node for delivery; nil: the request has no node or an empty node,
// or the node is known.
func (r *reader) describe(n *corev3.Node) (*delivery.Node, error) {
	if r.described || !isDescribed(n) {
		return nil, nil
	}
	r.described = true
	d := describe(n, r.stream.address)
	if max(len(d.ID), len(d.Cluster)) > maxNameLength {
		return nil, r.malformed(fmt.Sprintf("the node's id or cluster has more than %d bytes", maxNameLength))
	}
	if sizeOf(d) > r.stream.shared.limits.NodeSize {
		return nil, r.stream.refuse(LimitNodeSize)
	}
	r.id, r.cluster = d.ID, d.Cluster
	r.stream.identify(d.ID)
	return &d, nil
}

// repeats checks the node in a later request: a stream stays the node's of its first request.
func (r *reader) repeats(id, cluster string) error {
	if (id == "" || id == r.id) && (cluster == "" || cluster == r.cluster) {
		return nil
	}
	return r.stream.deny(identity.RefuseChange(r.stream.bond.certificate, r.id, id, cluster), id, cluster)
}

// names are the names a request subscribes to.
func (r *reader) names(message []byte) (names []string, err error) {
	for name := range wire.Names(message) {
		switch {
		case len(names) >= r.stream.shared.limits.NamesPerStream:
			return nil, r.stream.refuse(LimitNamesPerStream)
		case len(name) > maxNameLength:
			return nil, r.malformed(fmt.Sprintf("a resource name has more than %d bytes", maxNameLength))
		case !utf8.Valid(name):
			return nil, r.malformed("a resource name is not UTF-8")
		}
		names = append(names, string(name))
	}
	return names, nil
}

// firstList is the list of a stream's first request, which other streams may have had.
func (r *reader) firstList(message []byte) (*subscription.List, error) {
	lists := &r.stream.shared.lists
	if known := lists.Find(message); known != nil {
		return known, nil
	}
	names, err := r.names(message)
	if err != nil {
		return nil, err
	}
	return lists.First(names), nil
}

// sotwRequest is a request without resource_names and node.
type sotwRequest struct {
	discoveryv3.DiscoveryRequest
	size int                // in bytes
	node *delivery.Node     // nil: not described here
	list *subscription.List // if the stream serves the type
}

// sotwReader reads SotW requests.
type sotwReader struct {
	reader
	// The loop has one request while the reading goroutine fills the other.
	requests [2]sotwRequest
	at       int
	last     *subscription.List // of the request before
}

// next reads a request, which is valid until the call after the next.
func (r *sotwReader) next() (*discoveryv3.DiscoveryRequest, error) {
	message, err := r.receive()
	if err != nil {
		return nil, err
	}
	defer message.Free()
	r.at = 1 - r.at
	q := &r.requests[r.at]
	q.size = message.Len()
	if r.described && r.stream.bond.all != nil {
		if err := r.repeats(wire.NodeInSotW(message.ReadOnlyData())); err != nil {
			return nil, err
		}
	}
	if err := wire.ReadSotW(message.ReadOnlyData(), r.described, &q.DiscoveryRequest); err != nil {
		return nil, r.malformed(err.Error())
	}
	if q.node, err = r.describe(q.GetNode()); err != nil {
		return nil, err
	}
	q.Node, q.list = nil, nil
	if r.stream.serves(q.GetTypeUrl()) {
		if q.list, err = r.list(message.ReadOnlyData()); err != nil {
			return nil, err
		}
	}
	return &q.DiscoveryRequest, nil
}

// list is the list of a request. Every ACK has the list of the request before.
func (r *sotwReader) list(message []byte) (*subscription.List, error) {
	switch {
	case r.last.Is(message):
		return r.last, nil
	case r.last == nil:
		first, err := r.firstList(message)
		r.last = first
		return first, err
	}
	names, err := r.names(message)
	if err != nil {
		return nil, err
	}
	r.last = subscription.NewList(names)
	return r.last, nil
}

// whole returns the request of next with the node and the names.
func (r *sotwReader) whole(q *discoveryv3.DiscoveryRequest) *sotwRequest {
	if q == &r.requests[0].DiscoveryRequest {
		return &r.requests[0]
	}
	return &r.requests[1]
}

// deltaRequest is a request without resource_names_subscribe, resource_names_unsubscribe,
// initial_resource_versions and node.
type deltaRequest struct {
	discoveryv3.DeltaDiscoveryRequest
	size     int                // in bytes
	node     *delivery.Node     // nil: not described here
	first    *subscription.List // the names, in a stream's first request; nil: a later request
	added    []string           // the names, in a later request
	dropped  []string
	accepted map[string]string // initial_resource_versions
}

// deltaReader reads delta requests.
type deltaReader struct {
	reader
	requests [2]deltaRequest
	at       int
	asked    bool // the names of the first request have been read
}

// next reads a request, which is valid until the call after the next.
func (r *deltaReader) next() (*discoveryv3.DeltaDiscoveryRequest, error) {
	message, err := r.receive()
	if err != nil {
		return nil, err
	}
	defer message.Free()
	r.at = 1 - r.at
	q := &r.requests[r.at]
	q.size = message.Len()
	if r.described && r.stream.bond.all != nil {
		if err := r.repeats(wire.NodeInDelta(message.ReadOnlyData())); err != nil {
			return nil, err
		}
	}
	if err := wire.ReadDelta(message.ReadOnlyData(), r.described, &q.DeltaDiscoveryRequest); err != nil {
		return nil, r.malformed(err.Error())
	}
	if q.node, err = r.describe(q.GetNode()); err != nil {
		return nil, err
	}
	q.dropped, q.accepted = q.GetResourceNamesUnsubscribe(), q.GetInitialResourceVersions()
	q.Node, q.ResourceNamesUnsubscribe, q.InitialResourceVersions = nil, nil, nil
	q.first, q.added = nil, nil
	if !r.stream.serves(q.GetTypeUrl()) {
		return &q.DeltaDiscoveryRequest, nil
	}
	if r.asked {
		q.added, err = r.names(message.ReadOnlyData())
	} else {
		r.asked = true
		q.first, err = r.firstList(message.ReadOnlyData())
	}
	return &q.DeltaDiscoveryRequest, err
}

// whole returns the request of next with the node and the names.
func (r *deltaReader) whole(q *discoveryv3.DeltaDiscoveryRequest) *deltaRequest {
	if q == &r.requests[0].DeltaDiscoveryRequest {
		return &r.requests[0]
	}
	return &r.requests[1]
}
