package e2e_test

import (
	"strings"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	resourcev3 "github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"
)

// TestLargeNodes has nodes refused with a status that says why.
func TestLargeNodes(t *testing.T) {
	s := newScenario(t)
	s.write(auth, authModule("v1"), "")
	s.cp.Start()
	for name, tt := range map[string]struct {
		metadata int
		id       string
		code     codes.Code
		want     string
	}{
		"16 MB":            {16 << 20, "big", codes.ResourceExhausted, "4194304"},
		"100 KB":           {100 << 10, "big", codes.ResourceExhausted, "more than 65536 bytes (--max-node-size)"},
		"an id of 2,000 B": {0, strings.Repeat("i", 2000), codes.InvalidArgument, "more than 1024 bytes"},
		"50 KB":            {50 << 10, "large", codes.OK, ""},
	} {
		str, err := discoveryv3.NewAggregatedDiscoveryServiceClient(dialXDS(t, s.cp.XDSAddress())).DeltaAggregatedResources(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		node := &corev3.Node{Id: tt.id, Metadata: &structpb.Struct{Fields: map[string]*structpb.Value{
			"big": structpb.NewStringValue(strings.Repeat("m", tt.metadata)),
		}}}
		_ = str.Send(&discoveryv3.DeltaDiscoveryRequest{Node: node, TypeUrl: resourcev3.ExtensionConfigType, ResourceNamesSubscribe: []string{auth}})
		_, err = str.Recv()
		if status.Code(err) != tt.code || !strings.Contains(status.Convert(err).Message(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
