package xds

import (
	"fmt"
	"testing"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	resourcev3 "github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/xds/wire"
)

// A request that is no valid message ends the stream with the reason, in either protocol.
func TestMalformedRequests(t *testing.T) {
	for _, isDelta := range []bool{true, false} {
		for name, end := range map[string][]byte{
			"a field that is cut off":  {0xff},
			"a name that is not UTF-8": protowire.AppendString(protowire.AppendTag(nil, 3, protowire.BytesType), "\xff"), // the names have one number in both
		} {
			t.Run(fmt.Sprintf("%s/delta=%t", name, isDelta), func(t *testing.T) {
				_, events, conn := start(t, named{})
				method, request := discoveryv3.AggregatedDiscoveryService_StreamAggregatedResources_FullMethodName,
					proto.Message(&discoveryv3.DiscoveryRequest{Node: testNode, TypeUrl: resourcev3.ExtensionConfigType, ResourceNames: []string{"a"}})
				if isDelta {
					method, request = discoveryv3.AggregatedDiscoveryService_DeltaAggregatedResources_FullMethodName,
						&discoveryv3.DeltaDiscoveryRequest{Node: testNode, TypeUrl: resourcev3.ExtensionConfigType, ResourceNamesSubscribe: []string{"a"}}
				}
				b, err := proto.Marshal(request)
				if err != nil {
					t.Fatal(err)
				}
				str, err := conn.NewStream(t.Context(), &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method, grpc.ForceCodecV2(wire.NewCodec()))
				if err != nil {
					t.Fatal(err)
				}
				_ = str.SendMsg(&wire.Outgoing{Message: mem.BufferSlice{mem.SliceBuffer(b)}})
				next[delivery.StreamOpened](t, events)
				next[delivery.Requested](t, events)
				_ = str.SendMsg(&wire.Outgoing{Message: mem.BufferSlice{mem.SliceBuffer(append(b, end...))}})
				if err := str.RecvMsg(&discoveryv3.DiscoveryResponse{}); status.Code(err) != codes.InvalidArgument {
					t.Errorf("the stream ends with %v", err)
				}
				next[delivery.StreamClosed](t, events)
			})
		}
	}
}
