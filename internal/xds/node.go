package xds

import (
	"context"
	"encoding/json"
	"unique"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	"google.golang.org/grpc/peer"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/wasm-xds/wasm-xds/internal/address"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/inflow"
	"github.com/wasm-xds/wasm-xds/internal/xds/wire"
	"github.com/wasm-xds/wasm-xds/pkg/translate"
)

// describe returns the part of a node for delivery.
func describe(n *corev3.Node, address string) delivery.Node {
	d := delivery.Node{ID: n.GetId(), Cluster: n.GetCluster(), Address: address, Host: inflow.HostOf(address), Metadata: map[string]string{}}
	if v := translate.VersionOf(n); v.Known() {
		d.Version = unique.Make(v.String()).Value()
	}
	for key, value := range n.GetMetadata().GetFields() {
		d.Metadata[key] = asText(value)
	}
	addLabels(d.Metadata, n.GetMetadata())
	if len(n.GetExtensions()) > 0 {
		d.Runtimes = []string{}
		for _, e := range n.GetExtensions() {
			if e.GetCategory() == wire.RuntimeCategory {
				d.Runtimes = append(d.Runtimes, unique.Make(e.GetName()).Value())
			}
		}
	}
	return d
}

// addLabels adds the labels of a workload to the metadata by which a spec chooses Envoys. Istio's
// proxies have them in LABELS. A key of the metadata itself goes before a label.
func addLabels(metadata map[string]string, from *structpb.Struct) {
	for _, field := range []string{"labels", "LABELS"} {
		for label, value := range from.GetFields()[field].GetStructValue().GetFields() {
			if _, taken := metadata[label]; !taken {
				metadata[label] = asText(value)
			}
		}
	}
}

// isDescribed says whether a node is more than an empty message.
func isDescribed(n *corev3.Node) bool { return n.GetId()+n.GetCluster() != "" }

// sizeOf is the size of a node in bytes, as [Limits.NodeSize] counts it.
func sizeOf(d delivery.Node) int {
	size := len(d.ID) + len(d.Cluster)
	for key, value := range d.Metadata {
		size += len(key) + len(value)
	}
	return size
}

// asText is a metadata value as a spec's `nodes` compares it.
func asText(v *structpb.Value) string {
	if s, ok := v.GetKind().(*structpb.Value_StringValue); ok {
		return s.StringValue
	}
	b, err := json.Marshal(v.AsInterface())
	if err != nil {
		return ""
	}
	return string(b)
}

func peerAddress(ctx context.Context) string {
	if p, ok := peer.FromContext(ctx); ok {
		return address.Client(p.Addr)
	}
	return ""
}
