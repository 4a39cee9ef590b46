package xds

import (
	"errors"
	"fmt"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
)

// TestResource compares the encoding by hand with protobuf's.
func TestResource(t *testing.T) {
	r := alone(newResource("a", "v", []byte("not looked at")))
	packed := &anypb.Any{TypeUrl: typedExtensionConfig, Value: []byte("not looked at")}
	two := &response{part: r.part, others: []part{{resource: newResource("b", "w", []byte("nor this"))}}}
	other := &anypb.Any{TypeUrl: typedExtensionConfig, Value: []byte("nor this")}
	for name, pair := range map[string]struct {
		message mem.BufferSlice
		want    proto.Message
	}{
		"SotW": {
			r.sotwMessage([]byte("a=v"), "7"),
			&discoveryv3.DiscoveryResponse{VersionInfo: "a=v", Resources: []*anypb.Any{packed}, TypeUrl: typedExtensionConfig, Nonce: "7"},
		},
		"bare": {
			alone(newResource("", "", nil)).sotwMessage(nil, ""),
			&discoveryv3.DiscoveryResponse{Resources: []*anypb.Any{{TypeUrl: typedExtensionConfig}}, TypeUrl: typedExtensionConfig},
		},
		"delta": {
			r.deltaMessage("7"),
			&discoveryv3.DeltaDiscoveryResponse{
				Resources: []*discoveryv3.Resource{{Name: "a", Version: "v", Resource: packed}}, TypeUrl: typedExtensionConfig, Nonce: "7",
			},
		},
		"SotW, two": {
			two.sotwMessage([]byte("a=v,b=w"), "8"),
			&discoveryv3.DiscoveryResponse{VersionInfo: "a=v,b=w", Resources: []*anypb.Any{packed, other}, TypeUrl: typedExtensionConfig, Nonce: "8"},
		},
		"delta, two": {
			two.deltaMessage("8"),
			&discoveryv3.DeltaDiscoveryResponse{
				Resources: []*discoveryv3.Resource{{Name: "a", Version: "v", Resource: packed}, {Name: "b", Version: "w", Resource: other}},
				TypeUrl:   typedExtensionConfig, Nonce: "8",
			},
		},
	} {
		raw, err := newCodec().Marshal(&outgoing{pair.message})
		if err != nil {
			t.Fatal(err)
		}
		got := pair.want.ProtoReflect().New().Interface()
		if err := newCodec().Unmarshal(raw, got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(pair.want, got, protocmp.Transform()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// FuzzUnmarshal: a request reads as protobuf reads it, apart from unused extensions.
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
		for _, knows := range []bool{false, true} {
			sotw, wantSotW := &discoveryv3.DiscoveryRequest{}, &discoveryv3.DiscoveryRequest{}
			if proto.Unmarshal(b, wantSotW) == nil { // else: skipped fields are not looked into
				if err := readSotW(b, knows, sotw); err != nil {
					t.Fatal(err)
				}
				for name := range namesIn(b) {
					sotw.ResourceNames = append(sotw.ResourceNames, string(name))
				}
				if wantSotW.GetResponseNonce() != "" {
					wantSotW.VersionInfo, sotw.VersionInfo = "", "" // not used in an answer
				}
				compare(t, knows, wantSotW, sotw)
			}
			delta, wantDelta := &discoveryv3.DeltaDiscoveryRequest{}, &discoveryv3.DeltaDiscoveryRequest{}
			if proto.Unmarshal(b, wantDelta) == nil {
				if err := readDelta(b, knows, delta); err != nil {
					t.Fatal(err)
				}
				for name := range namesIn(b) {
					delta.ResourceNamesSubscribe = append(delta.ResourceNamesSubscribe, string(name))
				}
				compare(t, knows, wantDelta, delta)
			}
		}
	})
}

// compare checks that a request reads as protobuf reads it, apart from the node's extensions, and
// from the whole node in an answer if the node is known.
func compare(t *testing.T, knows bool, want, got interface {
	proto.Message
	GetNode() *corev3.Node
	GetResponseNonce() string
},
) {
	t.Helper()
	described := func(m interface{ GetNode() *corev3.Node }) delivery.Node {
		d := describe(m.GetNode(), "")
		if m.GetNode() != nil {
			m.GetNode().Extensions = nil
		}
		return d
	}
	if knows && got.GetResponseNonce() != "" && got.GetNode() == nil {
		field := want.ProtoReflect().Descriptor().Fields().ByName("node")
		want.ProtoReflect().Clear(field)
	}
	if diff := cmp.Diff(described(want), described(got)); diff != "" {
		t.Error(diff)
	}
	if !proto.Equal(want, got) {
		t.Errorf("read %v, want %v", got, want)
	}
}

// TestAllocationsOfANode: the 60 KB of extensions in a node leave nothing behind.
func TestAllocationsOfANode(t *testing.T) {
	node := proto.Clone(testNode).(*corev3.Node)
	for range 1000 {
		node.Extensions = append(node.Extensions, &corev3.Extension{Category: "envoy.filters.http", Name: "some.filter", TypeUrls: []string{"a.b.C"}})
	}
	b, err := proto.Marshal(&discoveryv3.DeltaDiscoveryRequest{Node: node})
	if err != nil {
		t.Fatal(err)
	}
	r := &discoveryv3.DeltaDiscoveryRequest{}
	const most = 60
	if n := testing.AllocsPerRun(100, func() {
		if err := readDelta(b, false, r); err != nil {
			t.Fatal(err)
		}
	}); n > most {
		t.Errorf("%.0f allocations, at most %d", n, most)
	} else {
		t.Logf("%.0f allocations", n)
	}
}

// TestAllocationsOfAnAnswer: nearly all requests are ACKs. In SotW each lists all names.
func TestAllocationsOfAnAnswer(t *testing.T) {
	s := &stream{}
	for i := range 200 {
		s.asked.names = append(s.asked.names, fmt.Sprintf("filter-%03d", i))
	}
	s.setNames(newListing(s.asked.names), "", &delivery.Requested{})
	ack := &discoveryv3.DiscoveryRequest{
		VersionInfo: "~", Node: testNode, ResourceNames: s.asked.names, TypeUrl: typedExtensionConfig, ResponseNonce: "10",
	}
	b, err := proto.Marshal(ack)
	if err != nil {
		t.Fatal(err)
	}
	r := &discoveryv3.DiscoveryRequest{}
	const most = 2 // the nonce
	if n := testing.AllocsPerRun(100, func() {
		if err := errors.Join(readSotW(b, true, r), s.takeNames(b)); err != nil || !s.asked.same || r.GetResponseNonce() != "10" {
			t.Fatal(err, r)
		}
	}); n > most {
		t.Errorf("%.0f allocations, at most %d", n, most)
	} else {
		t.Logf("%.0f allocations", n)
	}
}
