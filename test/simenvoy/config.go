package simenvoy

import (
	"strings"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protowire"
)

// Mode is the protocol that an Envoy asks by.
type Mode string

// The modes.
const (
	ADSDelta  Mode = "ads-delta"
	ADSSotW   Mode = "ads-sotw"
	ECDSDelta Mode = "ecds-delta" // a stream for each name, on one connection
	ECDSSotW  Mode = "ecds-sotw"
)

// Modes are all of them.
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

// Config says what an Envoy is like. Zero values mean what stands beside them.
type Config struct {
	// Address is the control plane, host:port. Conn, where it is given, is used
	// instead, and is not closed: several Envoys can share a connection.
	Address string
	Conn    *grpc.ClientConn
	Mode    Mode         // ADSDelta
	Node    *corev3.Node // NewNode("edge-1", "edge")
	Names   *Names       // the filters; required
	// Judge says why a resource is refused; nil accepts. The bytes are the
	// TypedExtensionConfig's and live for the call only.
	Judge func(name, version string, resource []byte) error
	// Updated is told of each resource after its answer has been sent, from the
	// stream's goroutine; nil: nobody. Its bytes live for the call only.
	Updated func(Update)
	// Modules is the module server, host:port, which stands for the cluster that
	// remote code names; "": remote code is accepted unseen.
	Modules string
	// AtOnce has it ask for all names in its first request, as if its streams had been
	// up before: it has nothing yet, but a boot's many requests are saved.
	AtOnce bool
	// Backoff lies between a lost stream and the next one: 500 ms, as Envoy's first.
	Backoff time.Duration
}

// Update is a resource that an Envoy was sent.
type Update struct {
	Envoy    *Envoy
	Name     string
	Version  string // the resource's in delta, version_info in SotW
	Resource []byte
	Err      error // why it was refused; nil: accepted
}

// Names is a list of filters' names. Many Envoys share one: it is immutable.
type Names struct {
	list  []string
	index map[string]int
	// lists is the field resource_names with the first n names at n, as it travels.
	all  []byte
	ends []int
}

// NewNames makes a list; the names are distinct.
func NewNames(names ...string) *Names {
	n := &Names{list: names, index: make(map[string]int, len(names)), ends: make([]int, 1, len(names)+1)}
	for i, name := range names {
		n.index[name] = i
		n.all = appendString(n.all, 3, name)
		n.ends = append(n.ends, len(n.all))
	}
	return n
}

// Len is the number of names.
func (n *Names) Len() int { return len(n.list) }

// first is the field resource_names of a SotW request with the first count names.
func (n *Names) first(count int) []byte { return n.all[:n.ends[count]] }

func appendString(b []byte, field protowire.Number, s string) []byte {
	b = protowire.AppendTag(b, field, protowire.BytesType)
	return protowire.AppendString(b, s)
}

func appendBytes(b []byte, field protowire.Number, v []byte) []byte {
	b = protowire.AppendTag(b, field, protowire.BytesType)
	return protowire.AppendBytes(b, v)
}
