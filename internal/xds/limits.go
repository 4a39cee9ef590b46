package xds

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
)

// Limits bound the memory that the network can make the server use. A zero means the default named
// beside the field. Beyond a limit a stream ends with RESOURCE_EXHAUSTED: the Envoy keeps its
// filters, and reconnects after growing pauses.
// See docs/RATIONALE.md#why-does-a-stream-beyond-a-limit-end-with-resource_exhausted.
type Limits struct {
	NamesPerStream int // filters a stream may ask for: 10,000; at most MostNamesPerStream
	StreamsPerNode int // open streams of one node id from one host: 1,000
	Streams        int // open streams: 50,000
	RequestSize    int // bytes of a request: 4 MiB
	NodeSize       int // bytes of a node's id, cluster and metadata: 64 KiB
	// Names is how many names without a spec all streams together may ask for: 20,000. Delivery
	// counts the names, and has the stream with the most of them ended, see [Server.End].
	Names int
	// Refused is called for each ended stream, from any goroutine; nil: no call.
	Refused func(Refusal)
}

// MostNamesPerStream is the room of a list of names.
const MostNamesPerStream = 1<<16 - 1

// WithDefaults fills the zero limits.
func (l Limits) WithDefaults() Limits {
	l.NamesPerStream = cmp.Or(l.NamesPerStream, 10_000)
	l.StreamsPerNode = cmp.Or(l.StreamsPerNode, 1_000)
	l.Streams = cmp.Or(l.Streams, 50_000)
	l.RequestSize = cmp.Or(l.RequestSize, 4<<20)
	l.NodeSize = cmp.Or(l.NodeSize, 64<<10)
	l.Names = cmp.Or(l.Names, 20_000)
	return l
}

// Limit names a limit, as metrics and the API do.
type Limit string

// The limits.
const (
	LimitNamesPerStream Limit = "names_per_stream"
	LimitStreamsPerNode Limit = "streams_per_node"
	LimitStreams        Limit = "streams"
	LimitRequestSize    Limit = "request_size"
	LimitNodeSize       Limit = "node_size"
	LimitNames          Limit = "names"
)

// Refusal describes a stream that was ended because of a limit. Node is "" if the node was not
// known.
type Refusal struct {
	Limit         Limit
	Most          int // the value of the limit
	Node, Address string
}

// of is a limit's value, and the text for the client.
func (l Limits) of(limit Limit) (most int, text string) {
	switch limit {
	case LimitNamesPerStream:
		return l.NamesPerStream, "it asks for more than %d names (--max-names-per-stream)"
	case LimitStreamsPerNode:
		return l.StreamsPerNode, "its node id has more than %d streams from one host (--max-streams-per-node)"
	case LimitStreams:
		return l.Streams, "there are more than %d streams (--max-streams)"
	case LimitRequestSize:
		return l.RequestSize, "a request has more than %d bytes (--max-request-size)"
	case LimitNodeSize:
		return l.NodeSize, "its node's id, cluster and metadata have more than %d bytes (--max-node-size)"
	default:
		return l.Names, "all streams ask for more than %d names that no spec has, and this one for the most of them (--max-names)"
	}
}

// refuse ends the stream because of a limit.
func (s *stream) refuse(limit Limit) error {
	most, text := s.server.limits.of(limit)
	err := status.Error(codes.ResourceExhausted, "wasm-xds ends this stream: "+fmt.Sprintf(text, most))
	s.mu.Lock()
	first := s.refusal == nil
	if first {
		s.refusal = err
	}
	node := s.nodeID
	s.mu.Unlock()
	if first && s.server.limits.Refused != nil {
		s.server.limits.Refused(Refusal{Limit: limit, Most: most, Node: node, Address: s.address})
	}
	s.end()
	return err
}

// result is the return value of the stream's handler: the refusal, if there was one.
func (s *stream) result(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refusal != nil {
		return s.refusal
	}
	return err
}

// received checks the error of a failed read for the limit of a request's size.
func (s *stream) received(err error) error {
	if status.Code(err) == codes.ResourceExhausted {
		return s.refuse(LimitRequestSize)
	}
	return err
}

// End ends a stream because of [LimitNames]. If the stream has ended, End does nothing.
func (s *Server) End(id delivery.StreamID) {
	if value, ok := s.streams.Load(id); ok {
		_ = value.(*stream).refuse(LimitNames) // the stream's handler returns the error
	}
}

// admission counts the open streams. The zero value has counted none.
type admission struct {
	mu      sync.Mutex
	open    int
	perNode map[nodeKey]int
}

// nodeKey tells Envoys apart: several hosts may have copies of one bootstrap.
type nodeKey struct{ node, host string }

// enter counts a stream, and says whether the count is within the limit.
func (a *admission) enter(most int) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.open++
	return a.open <= most
}

// enterNode counts a stream of a known node.
func (a *admission) enterNode(key nodeKey, most int) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.perNode == nil {
		a.perNode = map[nodeKey]int{}
	}
	a.perNode[key]++
	return a.perNode[key] <= most
}

// leave uncounts a stream; key is the zero value if the node was not known.
func (a *admission) leave(key nodeKey) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.open--
	if key == (nodeKey{}) {
		return
	}
	if a.perNode[key]--; a.perNode[key] <= 0 {
		delete(a.perNode, key)
	}
}

// admit counts the stream for the node, before delivery hears of the first request.
func (s *stream) admit() error {
	if s.key != (nodeKey{}) {
		return nil
	}
	host, _, err := net.SplitHostPort(s.address)
	if err != nil {
		host = s.address
	}
	s.key = nodeKey{s.node.ID, host}
	if s.key == (nodeKey{}) {
		s.key.host = "?"
	}
	if !s.server.admission.enterNode(s.key, s.server.limits.StreamsPerNode) {
		return s.refuse(LimitStreamsPerNode)
	}
	return nil
}

// checkNode bounds the size of a node.
func (s *stream) checkNode(d delivery.Node) error {
	size := len(d.ID) + len(d.Cluster)
	for key, value := range d.Metadata {
		size += len(key) + len(value)
	}
	if size > s.server.limits.NodeSize {
		return s.refuse(LimitNodeSize)
	}
	s.mu.Lock()
	s.nodeID = d.ID
	s.mu.Unlock()
	return nil
}

// endable is a context that the stream's end cancels.
func (s *stream) endable(ctx context.Context) context.Context {
	ctx, s.end = context.WithCancel(ctx)
	return ctx
}
