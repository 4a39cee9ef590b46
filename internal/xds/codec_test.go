package xds

import (
	"slices"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
)

// TestCodec holds the encoding by hand against protobuf's: what a response has beside
// what an Envoy is usually sent must not be lost either.
func TestCodec(t *testing.T) {
	packed := &anypb.Any{TypeUrl: typedExtensionConfig, Value: []byte("not looked at")}
	node := &corev3.ControlPlane{Identifier: "x"}
	for name, want := range map[string]proto.Message{
		"SotW":  &discoveryv3.DiscoveryResponse{VersionInfo: "a=v", Resources: []*anypb.Any{packed}, TypeUrl: typedExtensionConfig, Nonce: "7"},
		"bare":  &discoveryv3.DiscoveryResponse{Resources: []*anypb.Any{{}}},
		"more":  &discoveryv3.DiscoveryResponse{Resources: []*anypb.Any{packed, packed}},
		"other": &discoveryv3.DiscoveryResponse{Resources: []*anypb.Any{packed}, ControlPlane: node},
		"delta": &discoveryv3.DeltaDiscoveryResponse{
			Resources: []*discoveryv3.Resource{{Name: "a", Version: "v", Resource: packed}}, TypeUrl: typedExtensionConfig, Nonce: "7",
		},
		"delta, removed": &discoveryv3.DeltaDiscoveryResponse{
			Resources: []*discoveryv3.Resource{{Name: "a", Version: "v", Resource: packed}}, RemovedResources: []string{"b"},
		},
		"delta, other": &discoveryv3.DeltaDiscoveryResponse{Resources: []*discoveryv3.Resource{{Name: "a", Aliases: []string{"b"}}}},
		"request":      &discoveryv3.DiscoveryRequest{ResourceNames: []string{"a"}},
	} {
		raw, err := newCodec().Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		got := want.ProtoReflect().New().Interface()
		if err := newCodec().Unmarshal(raw, got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// FuzzUnmarshal: a request reads as protobuf reads it, but for extensions that nobody asks about.
func FuzzUnmarshal(f *testing.F) {
	node := proto.Clone(testNode).(*corev3.Node)
	for range 200 {
		node.Extensions = append(node.Extensions, &corev3.Extension{Category: "envoy.filters.http", Name: "some.filter", TypeUrls: []string{"a.b.C"}})
	}
	node.Extensions = append(node.Extensions, &corev3.Extension{Category: "envoy.wasm.runtime", Name: "envoy.wasm.runtime.wamr"})
	for _, m := range []proto.Message{
		&discoveryv3.DiscoveryRequest{Node: node, ResourceNames: []string{"a"}, VersionInfo: "v"},
		&discoveryv3.DeltaDiscoveryRequest{Node: node, ResourceNamesSubscribe: []string{"a"}, InitialResourceVersions: map[string]string{"a": "1"}},
		&discoveryv3.DiscoveryRequest{ResourceNames: []string{"a"}, VersionInfo: "v", ResponseNonce: "7"},
	} {
		b, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		padded := append(slices.Clip(b), protowire.AppendBytes(protowire.AppendTag(nil, 999, protowire.BytesType), make([]byte, largeRequest))...)
		for _, pair := range [][2]proto.Message{
			{&discoveryv3.DiscoveryRequest{}, &discoveryv3.DiscoveryRequest{}},
			{&discoveryv3.DeltaDiscoveryRequest{}, &discoveryv3.DeltaDiscoveryRequest{}},
		} {
			wantErr := proto.Unmarshal(padded, pair[0])
			err := newCodec().Unmarshal(mem.BufferSlice{mem.SliceBuffer(padded)}, pair[1])
			if wantErr != nil {
				continue // what is skipped is not looked into
			}
			if err != nil {
				t.Fatal(err)
			}
			described := func(m proto.Message) delivery.Node {
				n := m.(interface{ GetNode() *corev3.Node }).GetNode()
				d := describe(n, "")
				if n != nil {
					n.Extensions = nil
				}
				return d
			}
			if diff := cmp.Diff(described(pair[0]), described(pair[1])); diff != "" {
				t.Error(diff)
			}
			if r, ok := pair[0].(*discoveryv3.DiscoveryRequest); ok && pair[1].(*discoveryv3.DiscoveryRequest).VersionInfo == "" && r.GetResponseNonce() != "" {
				r.VersionInfo = ""
			}
			if !proto.Equal(pair[0], pair[1]) {
				t.Errorf("read %v, want %v", pair[1], pair[0])
			}
		}
	})
}

// TestAllocationsOfANode: the extensions in a node, 60 KB of them, leave nothing behind.
func TestAllocationsOfANode(t *testing.T) {
	node := proto.Clone(testNode).(*corev3.Node)
	for range 1000 {
		node.Extensions = append(node.Extensions, &corev3.Extension{Category: "envoy.filters.http", Name: "some.filter", TypeUrls: []string{"a.b.C"}})
	}
	b, err := proto.Marshal(&discoveryv3.DeltaDiscoveryRequest{Node: node})
	if err != nil {
		t.Fatal(err)
	}
	codec, data := newCodec(), mem.BufferSlice{mem.SliceBuffer(b)}
	const most = 60
	if n := testing.AllocsPerRun(100, func() {
		if err := codec.Unmarshal(data, &discoveryv3.DeltaDiscoveryRequest{}); err != nil {
			t.Fatal(err)
		}
	}); n > most {
		t.Errorf("%.0f allocations, at most %d", n, most)
	} else {
		t.Logf("%.0f allocations", n)
	}
}
