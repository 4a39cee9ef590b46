package xds

import (
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/anypb"
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
