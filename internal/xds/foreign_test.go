package xds

import (
	"context"
	"strings"
	"testing"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/service/cluster/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	extensionv3 "github.com/envoyproxy/go-control-plane/envoy/service/extension/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/service/listener/v3"
	resourcev3 "github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
)

// A client that asks for other resources is reported, by the type or by the service.
func TestForeignServices(t *testing.T) {
	reports := make(chan Foreign, 10)
	s, _, conn := start(t, named{})
	s.ReportForeign(func(f Foreign) { reports <- f })
	for want, call := range map[string]func(context.Context) error{
		"lds": func(ctx context.Context) error {
			str, err := listenerv3.NewListenerDiscoveryServiceClient(conn).DeltaListeners(ctx)
			if err != nil {
				return err
			}
			_, err = str.Recv()
			return err
		},
		"cds": func(ctx context.Context) error {
			str, err := clusterv3.NewClusterDiscoveryServiceClient(conn).StreamClusters(ctx)
			if err != nil {
				return err
			}
			_, err = str.Recv()
			return err
		},
		"fetch": func(ctx context.Context) error {
			_, err := extensionv3.NewExtensionConfigDiscoveryServiceClient(conn).FetchExtensionConfigs(ctx, &discoveryv3.DiscoveryRequest{})
			return err
		},
		"other_service": func(ctx context.Context) error {
			return conn.Invoke(ctx, "/a.b.C/"+strings.Repeat("D", 5000), &discoveryv3.DiscoveryRequest{}, &discoveryv3.DiscoveryResponse{})
		},
	} {
		err := call(t.Context())
		if status.Code(err) != codes.Unimplemented {
			t.Errorf("%s: %v", want, err)
		}
		if f := <-reports; f.Asks != want || f.Address == "" || len(f.Text) > longestForeign {
			t.Errorf("%+v, want %s", f, want)
		}
	}
}

// On ADS, each other type is reported once for a stream, and the filters are served.
func TestForeignTypes(t *testing.T) {
	reports := make(chan Foreign, 10)
	s, events, conn := start(t, named{})
	s.ReportForeign(func(f Foreign) { reports <- f })
	str, err := discoveryv3.NewAggregatedDiscoveryServiceClient(conn).StreamAggregatedResources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, typeURL := range []string{resourcev3.ListenerType, resourcev3.ListenerType, resourcev3.SecretType, "a/b.C", resourcev3.ExtensionConfigType} {
		if err := str.Send(&discoveryv3.DiscoveryRequest{Node: testNode, TypeUrl: typeURL, ResourceNames: []string{"x"}}); err != nil {
			t.Fatal(err)
		}
	}
	next[delivery.StreamOpened](t, events)
	next[delivery.Requested](t, events)
	for _, want := range []string{"lds", "sds", "other_type"} {
		if f := <-reports; f.Asks != want || f.Node != testNode.GetId() {
			t.Errorf("%+v, want %s", f, want)
		}
	}
	if len(reports) > 0 {
		t.Errorf("%+v was reported twice", <-reports)
	}
}

// A client that asks for no filter is no subscriber, and asks without a trace whether the server is
// wasm-xds.
func TestClientsThatAskForNothing(t *testing.T) {
	s, events, conn := start(t, named{})
	s.ReportForeign(func(f Foreign) { t.Errorf("reported: %+v", f) })
	err := conn.Invoke(t.Context(), WhoMethod, &discoveryv3.DiscoveryRequest{}, &discoveryv3.DiscoveryResponse{})
	if status.Convert(err).Message() != WhoAnswer {
		t.Errorf("who: %v", err)
	}
	str, err := discoveryv3.NewAggregatedDiscoveryServiceClient(conn).StreamAggregatedResources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, names := range [][]string{nil, {"a"}} {
		if err := str.Send(&discoveryv3.DiscoveryRequest{Node: testNode, TypeUrl: resourcev3.ExtensionConfigType, ResourceNames: names}); err != nil {
			t.Fatal(err)
		}
	}
	next[delivery.StreamOpened](t, events)
	if r := next[delivery.Requested](t, events); len(r.Subscribe) != 1 {
		t.Errorf("the first event has %+v", r)
	}
}
