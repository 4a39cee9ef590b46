package xds

import (
	"context"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	extensionv3 "github.com/envoyproxy/go-control-plane/envoy/service/extension/v3"
	resourcev3 "github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// streamer runs a stream of a service. The result is the stream's status.
type streamer interface {
	sotw(g grpc.ServerStream, typeURL string) error
	delta(g grpc.ServerStream, typeURL string) error
	// fetched notes a call of FetchExtensionConfigs.
	fetched(ctx context.Context)
}

// adsService is the aggregated service: one stream for all names of an Envoy.
type adsService struct {
	discoveryv3.UnimplementedAggregatedDiscoveryServiceServer
	streams streamer
}

func (a adsService) StreamAggregatedResources(str discoveryv3.AggregatedDiscoveryService_StreamAggregatedResourcesServer) error {
	return a.streams.sotw(str, resourcev3.AnyType)
}

func (a adsService) DeltaAggregatedResources(str discoveryv3.AggregatedDiscoveryService_DeltaAggregatedResourcesServer) error {
	return a.streams.delta(str, resourcev3.AnyType)
}

// ecdsService is the service of extension configs alone: an Envoy has a stream for each name.
type ecdsService struct {
	extensionv3.UnimplementedExtensionConfigDiscoveryServiceServer
	streams streamer
}

func (e ecdsService) StreamExtensionConfigs(str extensionv3.ExtensionConfigDiscoveryService_StreamExtensionConfigsServer) error {
	return e.streams.sotw(str, resourcev3.ExtensionConfigType)
}

func (e ecdsService) DeltaExtensionConfigs(str extensionv3.ExtensionConfigDiscoveryService_DeltaExtensionConfigsServer) error {
	return e.streams.delta(str, resourcev3.ExtensionConfigType)
}

func (e ecdsService) FetchExtensionConfigs(ctx context.Context, _ *discoveryv3.DiscoveryRequest) (*discoveryv3.DiscoveryResponse, error) {
	// REST polling has no ACK and no NACK: the status could not tell the truth.
	e.streams.fetched(ctx)
	return nil, status.Error(codes.Unimplemented, "use a gRPC stream: StreamExtensionConfigs or DeltaExtensionConfigs")
}
