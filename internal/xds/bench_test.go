package xds

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	resourcev3 "github.com/envoyproxy/go-control-plane/pkg/resource/v3"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/xds/wire"
)

// BenchmarkPush measures a push and its ACK, from delivery's send to delivery's event, the client
// in the same process included.
func BenchmarkPush(b *testing.B) {
	names := []string{"auth"}
	b.Run("delta", func(b *testing.B) {
		s, events, conn := start(b, ready{benchResource()})
		str, err := discoveryv3.NewAggregatedDiscoveryServiceClient(conn).DeltaAggregatedResources(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		_ = str.Send(&discoveryv3.DeltaDiscoveryRequest{Node: testNode, TypeUrl: resourcev3.ExtensionConfigType, ResourceNamesSubscribe: names})
		id := (<-events).(delivery.StreamOpened).Stream
		<-events
		b.ReportAllocs()
		for b.Loop() {
			s.Send(send(id, "auth", salt1))
			got, err := str.Recv()
			if err != nil {
				b.Fatal(err)
			}
			_ = str.Send(&discoveryv3.DeltaDiscoveryRequest{TypeUrl: resourcev3.ExtensionConfigType, ResponseNonce: got.GetNonce()})
			<-events
		}
	})
	b.Run("SotW", func(b *testing.B) {
		s, events, conn := start(b, ready{benchResource()})
		str, err := discoveryv3.NewAggregatedDiscoveryServiceClient(conn).StreamAggregatedResources(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		_ = str.Send(&discoveryv3.DiscoveryRequest{Node: testNode, TypeUrl: resourcev3.ExtensionConfigType, ResourceNames: names})
		id := (<-events).(delivery.StreamOpened).Stream
		<-events
		b.ReportAllocs()
		for b.Loop() {
			s.Send(send(id, "auth", salt1))
			got, err := str.Recv()
			if err != nil {
				b.Fatal(err)
			}
			_ = str.Send(&discoveryv3.DiscoveryRequest{TypeUrl: resourcev3.ExtensionConfigType, ResponseNonce: got.GetNonce(), VersionInfo: got.GetVersionInfo(), ResourceNames: names})
			<-events
		}
	})
}

// BenchmarkStream measures the memory of a stream that asked for ten names and was sent one, the
// client's half included.
func BenchmarkStream(b *testing.B) {
	var names []string
	for i := range 10 {
		names = append(names, fmt.Sprint("filter-", i))
	}
	for _, isDelta := range []bool{true, false} {
		b.Run(fmt.Sprintf("delta=%t", isDelta), func(b *testing.B) {
			s, events, conn := start(b, ready{benchResource()})
			c := discoveryv3.NewAggregatedDiscoveryServiceClient(conn)
			const streams = 900 // of one node
			for b.Loop() {
				var before, after runtime.MemStats
				runtime.GC()
				runtime.GC()
				runtime.ReadMemStats(&before)
				ctx, cancel := context.WithCancel(b.Context())
				for range streams {
					var recv func() error
					if isDelta {
						str, err := c.DeltaAggregatedResources(ctx)
						if err != nil {
							b.Fatal(err)
						}
						_ = str.Send(&discoveryv3.DeltaDiscoveryRequest{Node: testNode, TypeUrl: resourcev3.ExtensionConfigType, ResourceNamesSubscribe: names})
						recv = func() error {
							got, err := str.Recv()
							if err == nil {
								err = str.Send(&discoveryv3.DeltaDiscoveryRequest{TypeUrl: resourcev3.ExtensionConfigType, ResponseNonce: got.GetNonce()})
							}
							return err
						}
					} else {
						str, err := c.StreamAggregatedResources(ctx)
						if err != nil {
							b.Fatal(err)
						}
						_ = str.Send(&discoveryv3.DiscoveryRequest{Node: testNode, TypeUrl: resourcev3.ExtensionConfigType, ResourceNames: names})
						recv = func() error {
							got, err := str.Recv()
							if err == nil {
								err = str.Send(&discoveryv3.DiscoveryRequest{TypeUrl: resourcev3.ExtensionConfigType, ResponseNonce: got.GetNonce(), VersionInfo: got.GetVersionInfo(), ResourceNames: names})
							}
							return err
						}
					}
					id := (<-events).(delivery.StreamOpened).Stream
					<-events
					s.Send(send(id, "filter-1", salt1))
					if err := recv(); err != nil {
						b.Fatal(err)
					}
					<-events
				}
				runtime.GC()
				runtime.GC()
				runtime.ReadMemStats(&after)
				b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/streams, "heap-B/stream")
				b.ReportMetric(float64(after.StackInuse-before.StackInuse)/streams, "stack-B/stream")
				cancel()
				for range streams {
					<-events
				}
			}
		})
	}
}

// ready has the same resource for each send.
type ready struct{ resource *wire.Resource }

func (r ready) Cached(delivery.Send) *wire.Resource { return r.resource }

func (r ready) Build(context.Context, delivery.Send) (*wire.Resource, error) { return r.resource, nil }

func benchResource() *wire.Resource {
	return wire.NewResource("auth", "0123456789ab.i"+salt1, make([]byte, 600), []byte(salt1), make([]byte, 100_000))
}
