package xds

import (
	"cmp"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/wasm-xds/wasm-xds/internal/xds/subscription"
)

// Limits bound the memory that the network can make the server use. A zero means the default named
// beside the field. Beyond a limit a stream ends with RESOURCE_EXHAUSTED: the Envoy keeps its
// filters, and reconnects after growing pauses.
// See docs/RATIONALE.md#why-does-a-stream-beyond-a-limit-end-with-resource_exhausted.
type Limits struct {
	NamesPerStream int // filters a stream may ask for: 10,000; at most MostNamesPerStream
	StreamsPerNode int // streams of one node id from one host at a time: 1,000
	Streams        int // streams at a time: 50,000
	RequestSize    int // bytes of a request: 4 MiB
	NodeSize       int // bytes of a node's id, cluster and metadata: 64 KiB
	// Names is how many names without a spec all streams together may ask for: 20,000. Delivery
	// counts the names, and has the stream with the most of them ended, see [Server.End].
	Names int
	// ReportMemory bounds the memory, in bytes, for the reports of Envoys: 256 MiB.
	ReportMemory int
	// NameBytes bounds the bytes of these names: 4 MiB.
	NameBytes int
	// StreamsPerConnection is how many streams a client may have on one HTTP/2 connection at a
	// time: 1,000. The client keeps further streams back, as RFC 9113 has it.
	StreamsPerConnection int
	// StreamWindow and ConnectionWindow are how many bytes a client may send ahead of reading, on a
	// stream and on a connection: 256 KiB and 1 MiB. gRPC allows 64 KiB at least.
	StreamWindow, ConnectionWindow int
	// ConnectionIdle is the time after which a connection without a stream ends: 5 minutes.
	ConnectionIdle time.Duration
	// ConnectionAge is the time after which a connection ends, give or take a tenth. An Envoy that
	// comes back loses nothing, and a fleet spreads over the servers again. 0 means no end.
	ConnectionAge time.Duration
	// ConnectRate is how many streams for filters may begin in a second, and as many at once after
	// a rest: 2,000. Further streams wait, in their order, while the server has time for the
	// streams that are there. A stream that would wait for longer than 20 seconds ends with
	// UNAVAILABLE.
	ConnectRate int
	// Refused is called for each ended stream, from any goroutine; nil: no call.
	Refused func(Refusal)
}

// MostNamesPerStream is the largest [Limits.NamesPerStream].
const MostNamesPerStream = subscription.MostNames

// The bounds of [Limits.StreamWindow] and [Limits.ConnectionWindow]: gRPC ignores a smaller one,
// and RFC 9113, section 6.9.1, knows no larger one.
const (
	LeastWindow = 64 << 10
	MostWindow  = 1<<31 - 1
)

// maxNameLength bounds the name of a filter, the id of a node and its cluster, in bytes.
const maxNameLength = 1024

// WithDefaults fills the zero limits.
func (l Limits) WithDefaults() Limits {
	l.NamesPerStream = cmp.Or(l.NamesPerStream, 10_000)
	l.StreamsPerNode = cmp.Or(l.StreamsPerNode, 1_000)
	l.Streams = cmp.Or(l.Streams, 50_000)
	l.RequestSize = cmp.Or(l.RequestSize, 4<<20)
	l.NodeSize = cmp.Or(l.NodeSize, 64<<10)
	l.Names = cmp.Or(l.Names, 20_000)
	l.NameBytes = cmp.Or(l.NameBytes, 4<<20)
	l.ReportMemory = cmp.Or(l.ReportMemory, 256<<20)
	l.StreamsPerConnection = cmp.Or(l.StreamsPerConnection, 1_000)
	l.StreamWindow = cmp.Or(l.StreamWindow, 256<<10)
	l.ConnectionWindow = cmp.Or(l.ConnectionWindow, 1<<20)
	l.ConnectRate = cmp.Or(l.ConnectRate, 2_000)
	l.ConnectionIdle = cmp.Or(l.ConnectionIdle, 5*time.Minute)
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
	LimitNameBytes      Limit = "name_bytes"
	LimitReportMemory   Limit = "report_memory"
	LimitConnectRate    Limit = "connect_rate"
)

// Refusal describes a stream that was ended because of a limit. Node is "" if the node was not
// known.
type Refusal struct {
	Limit         Limit
	Most          int // the value of the limit
	Node, Address string
}

// refusal is the value of a limit, and the status of a stream that ends because of it.
func (l Limits) refusal(limit Limit) (most int, err error) {
	most, text := l.of(limit)
	code := codes.ResourceExhausted
	if limit == LimitConnectRate {
		code = codes.Unavailable // another server may have room
	}
	return most, status.Error(code, "wasm-xds ends this stream: "+fmt.Sprintf(text, most))
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
	case LimitReportMemory:
		return l.ReportMemory, "the stats and access logs of all Envoys take more than %d bytes (--max-report-memory)"
	case LimitConnectRate:
		return l.ConnectRate, "more streams wait than begin in 20 seconds, at %d in a second (--connect-rate)"
	case LimitNameBytes:
		return l.NameBytes, "the names that no spec has have more than %d bytes on all streams, and this one has the most of them (--max-name-bytes)"
	default:
		return l.Names, "all streams ask for more than %d names that no spec has, and this one for the most of them (--max-names)"
	}
}
