package spiffetest

import (
	"slices"

	"github.com/spiffe/go-spiffe/v2/proto/spiffe/workload"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// workloadAPI is the X.509 part of the Workload API.
type workloadAPI struct {
	workload.UnimplementedSpiffeWorkloadAPIServer
	answers *answers
}

// FetchX509SVID sends the certificates and the bundles, and each change of them.
func (w workloadAPI) FetchX509SVID(_ *workload.X509SVIDRequest, stream grpc.ServerStreamingServer[workload.X509SVIDResponse]) error {
	// The specification wants this header, against requests that somebody else forges.
	header, _ := metadata.FromIncomingContext(stream.Context())
	if !slices.Equal(header.Get("workload.spiffe.io"), []string{"true"}) {
		return status.Error(codes.InvalidArgument, "security header missing from request")
	}
	return w.answers.follow(stream.Context(), nil, func(answer *Answer) error { return stream.Send(responseOf(answer)) })
}

func responseOf(answer *Answer) *workload.X509SVIDResponse {
	response := &workload.X509SVIDResponse{FederatedBundles: map[string][]byte{}}
	for domain, cas := range answer.Bundles {
		response.FederatedBundles["spiffe://"+domain] = derOf(cas)
	}
	for _, one := range answer.SVIDs {
		own := domainOf(one.ID)
		delete(response.FederatedBundles, "spiffe://"+own)
		response.Svids = append(response.Svids, &workload.X509SVID{
			SpiffeId: one.ID, X509Svid: blocks(one.Pair.Cert), X509SvidKey: blocks(one.Pair.Key), Bundle: derOf(answer.Bundles[own]),
		})
	}
	return response
}
