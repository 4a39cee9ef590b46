package xds

import (
	"context"
	"fmt"
	"testing"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	resourcev3 "github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/wasm-xds/wasm-xds/internal/xds/wire"
)

// again is a gRPC stream on which a client sends the same request again and again.
type again struct {
	grpc.ServerStream
	request mem.Buffer
}

func (a again) RecvMsg(m any) error {
	m.(*wire.Incoming).Message = a.request
	return nil
}

// reads is a SotW stream on which a client sends that request.
func reads(t *testing.T, limits Limits, request *discoveryv3.DiscoveryRequest) *sotwStream {
	t.Helper()
	b, err := proto.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	s := newSotWStream(&again{request: mem.SliceBuffer(b)})
	s.begin(context.Background(), t.Context(), &shared{limits: limits.WithDefaults()}, 1, resourcev3.AnyType)
	t.Cleanup(s.end)
	return s
}

func TestTooManyNames(t *testing.T) {
	for _, tt := range []struct {
		names []string
		want  codes.Code
	}{
		{[]string{"a", "b", "c"}, codes.OK},
		{[]string{"a", "b", "c", "d"}, codes.ResourceExhausted},
		{[]string{string(make([]byte, maxNameLength))}, codes.OK},
		{[]string{string(make([]byte, maxNameLength+1))}, codes.InvalidArgument},
	} {
		s := reads(t, Limits{NamesPerStream: 3}, &discoveryv3.DiscoveryRequest{TypeUrl: resourcev3.ExtensionConfigType, ResourceNames: tt.names})
		_, err := s.Recv()
		if status.Code(err) != tt.want || status.Code(s.result(nil)) != tt.want {
			t.Errorf("%d names, the first of %d bytes: %v, the stream ends with %v", len(tt.names), len(tt.names[0]), err, s.result(nil))
		}
	}
}

// TestAllocationsOfAnAnswer: nearly all requests are ACKs. In SotW each lists all names.
func TestAllocationsOfAnAnswer(t *testing.T) {
	ack := &discoveryv3.DiscoveryRequest{
		VersionInfo: "~", Node: testNode, TypeUrl: resourcev3.ExtensionConfigType, ResponseNonce: "10",
	}
	for i := range 200 {
		ack.ResourceNames = append(ack.ResourceNames, fmt.Sprintf("filter-%03d", i))
	}
	s := reads(t, Limits{}, ack)
	if _, err := s.Recv(); err != nil {
		t.Fatal(err)
	}
	list := s.requests.last
	const most = 2 // the nonce
	if n := testing.AllocsPerRun(100, func() {
		q, err := s.Recv()
		if err != nil || s.requests.whole(q).list != list || q.GetResponseNonce() != "10" {
			t.Fatal(err, q)
		}
	}); n > most {
		t.Errorf("%.0f allocations, at most %d", n, most)
	} else {
		t.Logf("%.0f allocations", n)
	}
}
