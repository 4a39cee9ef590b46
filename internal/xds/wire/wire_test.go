package wire

import (
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"
)

var testNode = &corev3.Node{
	Id: "edge-1", Cluster: "edge",
	UserAgentVersionType: &corev3.Node_UserAgentVersion{UserAgentVersion: "1.40.0"},
	Metadata: &structpb.Struct{Fields: map[string]*structpb.Value{
		"env": structpb.NewStringValue("prod"), "zone": structpb.NewNumberValue(3),
	}},
	Extensions: []*corev3.Extension{{Category: "envoy.wasm.runtime", Name: "envoy.wasm.runtime.v8"}, {Category: "envoy.filters.http", Name: "x"}},
}

// TestResource compares the encoding by hand with protobuf's.
func TestResource(t *testing.T) {
	a, b := NewResource("a", "v", []byte("not looked at")), NewResource("b", "w", []byte("nor this"))
	bare := NewResource("", "", nil)
	packed := &anypb.Any{TypeUrl: typedExtensionConfig, Value: []byte("not looked at")}
	other := &anypb.Any{TypeUrl: typedExtensionConfig, Value: []byte("nor this")}
	for name, pair := range map[string]struct {
		message mem.BufferSlice
		want    proto.Message
	}{
		"SotW": {
			SotW([]*Resource{a}, []byte("a=v"), "7"),
			&discoveryv3.DiscoveryResponse{VersionInfo: "a=v", Resources: []*anypb.Any{packed}, TypeUrl: typedExtensionConfig, Nonce: "7"},
		},
		"bare": {
			SotW([]*Resource{bare}, nil, ""),
			&discoveryv3.DiscoveryResponse{Resources: []*anypb.Any{{TypeUrl: typedExtensionConfig}}, TypeUrl: typedExtensionConfig},
		},
		"delta": {
			Delta([]*Resource{a}, "7"),
			&discoveryv3.DeltaDiscoveryResponse{
				Resources: []*discoveryv3.Resource{{Name: "a", Version: "v", Resource: packed}}, TypeUrl: typedExtensionConfig, Nonce: "7",
			},
		},
		"SotW, two": {
			SotW([]*Resource{a, b}, []byte("a=v,b=w"), "8"),
			&discoveryv3.DiscoveryResponse{VersionInfo: "a=v,b=w", Resources: []*anypb.Any{packed, other}, TypeUrl: typedExtensionConfig, Nonce: "8"},
		},
		"delta, two": {
			Delta([]*Resource{a, b}, "8"),
			&discoveryv3.DeltaDiscoveryResponse{
				Resources: []*discoveryv3.Resource{{Name: "a", Version: "v", Resource: packed}, {Name: "b", Version: "w", Resource: other}},
				TypeUrl:   typedExtensionConfig, Nonce: "8",
			},
		},
	} {
		raw, err := NewCodec().Marshal(&Outgoing{pair.message})
		if err != nil {
			t.Fatal(err)
		}
		got := pair.want.ProtoReflect().New().Interface()
		if err := NewCodec().Unmarshal(raw, got); err != nil {
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
				if err := ReadSotW(b, knows, sotw); err != nil {
					t.Fatal(err)
				}
				for name := range Names(b) {
					sotw.ResourceNames = append(sotw.ResourceNames, string(name))
				}
				if wantSotW.GetResponseNonce() != "" {
					wantSotW.VersionInfo, sotw.VersionInfo = "", "" // not used in an answer
				}
				compare(t, knows, wantSotW, sotw)
			}
			delta, wantDelta := &discoveryv3.DeltaDiscoveryRequest{}, &discoveryv3.DeltaDiscoveryRequest{}
			if proto.Unmarshal(b, wantDelta) == nil {
				if err := ReadDelta(b, knows, delta); err != nil {
					t.Fatal(err)
				}
				for name := range Names(b) {
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
	type extensions struct {
		Listed   bool
		Runtimes []string
	}
	extensionsOf := func(m interface{ GetNode() *corev3.Node }) (e extensions) {
		for _, one := range m.GetNode().GetExtensions() {
			e.Listed = true
			if one.GetCategory() == RuntimeCategory {
				e.Runtimes = append(e.Runtimes, one.GetName())
			}
		}
		if m.GetNode() != nil {
			m.GetNode().Extensions = nil
		}
		return e
	}
	if knows && got.GetResponseNonce() != "" && got.GetNode() == nil {
		field := want.ProtoReflect().Descriptor().Fields().ByName("node")
		want.ProtoReflect().Clear(field)
	}
	if diff := cmp.Diff(extensionsOf(want), extensionsOf(got)); diff != "" {
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
		if err := ReadDelta(b, false, r); err != nil {
			t.Fatal(err)
		}
	}); n > most {
		t.Errorf("%.0f allocations, at most %d", n, most)
	} else {
		t.Logf("%.0f allocations", n)
	}
}

// TestBytesOfAResourceAreThoseOnTheWire: a remote resource is small, whatever the size of the
// module.
func TestBytesOfAResourceAreThoseOnTheWire(t *testing.T) {
	if n := NewResource("auth", "v", make([]byte, 100), make([]byte, 1<<20)).Len(); n < 1<<20+100 || n > 1<<20+400 {
		t.Errorf("%d bytes", n)
	}
}
