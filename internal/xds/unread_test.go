package xds

import (
	"context"
	"errors"
	"testing"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	resourcev3 "github.com/envoyproxy/go-control-plane/pkg/resource/v3"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/xds/wire"
)

// heavy makes resources larger than the bytes a client takes unread.
type heavy struct{}

func (heavy) Cached(a delivery.Send) *wire.Resource {
	return wire.NewResource(a.Name, a.Version.String(), make([]byte, 2<<20))
}

func (heavy) Build(context.Context, delivery.Send) (*wire.Resource, error) {
	return nil, errors.New("it is always there")
}

func TestAClientThatDoesNotReadHoldsUpNobody(t *testing.T) {
	s, events, conn := start(t, heavy{})
	var streams []discoveryv3.AggregatedDiscoveryService_DeltaAggregatedResourcesClient
	var ids []delivery.StreamID
	for range 2 {
		str, err := discoveryv3.NewAggregatedDiscoveryServiceClient(conn).DeltaAggregatedResources(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := str.Send(&discoveryv3.DeltaDiscoveryRequest{ResourceNamesSubscribe: []string{"a"}, TypeUrl: resourcev3.ExtensionConfigType}); err != nil {
			t.Fatal(err)
		}
		streams, ids = append(streams, str), append(ids, next[delivery.StreamOpened](t, events).Stream)
		next[delivery.Requested](t, events)
	}
	// The first client never reads. Sends to it must not block, nor later sends to other clients.
	for _, id := range ids {
		s.Send(send(id, "a", salt1))
	}
	if got, err := streams[1].Recv(); err != nil || len(got.GetResources()) != 1 {
		t.Fatalf("%v, %v", got, err)
	}
}
