package simenvoy

import (
	"strings"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protowire"
)

// Mode is the xDS protocol variant of an Envoy.
type Mode string

// The modes. ADS has one stream for all names. ECDS has a stream for each name.
const (
	ADSDelta  Mode = "ads-delta"
	ADSSotW   Mode = "ads-sotw"
	ECDSDelta Mode = "ecds-delta" // all streams on one connection
	ECDSSotW  Mode = "ecds-sotw"
)

// Modes returns all modes.
func Modes() []Mode { return []Mode{ADSDelta, ADSSotW, ECDSDelta, ECDSSotW} }

func (m Mode) ads() bool   { return strings.HasPrefix(string(m), "ads") }
func (m Mode) delta() bool { return strings.HasSuffix(string(m), "delta") }

func (m Mode) method() string {
	switch m {
	case ADSSotW:
		return "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources"
	case ECDSDelta:
		return "/envoy.service.extension.v3.ExtensionConfigDiscoveryService/DeltaExtensionConfigs"
	case ECDSSotW:
		return "/envoy.service.extension.v3.ExtensionConfigDiscoveryService/StreamExtensionConfigs"
	default:
		return "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources"
	}
}

// Config describes a simulated Envoy. The comment of a field names the meaning of the zero value.
type Config struct {
	// Address is the control plane as host:port. If Conn is set, the Envoy uses Conn instead and
	// does not close it. Several Envoys can share a connection.
	Address string
	Conn    *grpc.ClientConn
	Mode    Mode         // "": ADSDelta
	Node    *corev3.Node // nil: NewNode("edge-1", "edge")
	Names   *Names       // the filters; required
	// Judge returns the reason for a refusal, or nil to accept the resource. A nil Judge accepts
	// everything. The bytes are a TypedExtensionConfig and are valid only during the call.
	Judge func(name, version string, resource []byte) error
	// Updated is called with each resource after the Envoy has sent the answer. The calls come
	// from the stream's goroutine. May be nil. The bytes are valid only during the call.
	Updated func(Update)
	// Modules is the module server as host:port. The address stands in for the cluster named by
	// remote code. "": the Envoy accepts remote code without a download.
	Modules string
	// AtOnce makes the first request ask for all names, like the first request after a reconnect.
	// The Envoy still has no resources. AtOnce saves the many requests of a boot.
	AtOnce bool
	// Backoff is the pause between a lost stream and the next stream. 0: 500 ms, Envoy's first
	// back-off.
	Backoff time.Duration
}

// Update is one resource received by an Envoy.
type Update struct {
	Envoy    *Envoy
	Name     string
	Version  string // the resource's version in delta, version_info in SotW
	Resource []byte
	Err      error // the reason for the refusal; nil: accepted
}

// Names is an immutable list of filter names. Many Envoys can share a list.
type Names struct {
	list  []string
	index map[string]int
	// all is the encoded field resource_names. The first n names end at ends[n].
	all  []byte
	ends []int
}

// NewNames returns a list of the names, which must be distinct.
func NewNames(names ...string) *Names {
	n := &Names{list: names, index: make(map[string]int, len(names)), ends: make([]int, 1, len(names)+1)}
	for i, name := range names {
		n.index[name] = i
		n.all = appendString(n.all, 3, name)
		n.ends = append(n.ends, len(n.all))
	}
	return n
}

// Len returns the number of names.
func (n *Names) Len() int { return len(n.list) }

// first returns the encoded field resource_names of a SotW request for the first count names.
func (n *Names) first(count int) []byte { return n.all[:n.ends[count]] }

func appendString(b []byte, field protowire.Number, s string) []byte {
	b = protowire.AppendTag(b, field, protowire.BytesType)
	return protowire.AppendString(b, s)
}

func appendBytes(b []byte, field protowire.Number, v []byte) []byte {
	b = protowire.AppendTag(b, field, protowire.BytesType)
	return protowire.AppendBytes(b, v)
}
