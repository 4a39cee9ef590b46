package xds

import (
	"context"
	"errors"
	"fmt"
	"testing"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	resourcev3 "github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"github.com/google/go-cmp/cmp"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/xds/subscription"
	"github.com/wasm-xds/wasm-xds/internal/xds/wire"
)

// together is a send of several names.
func together(id delivery.StreamID, salt string, names ...string) delivery.Send {
	a := send(id, names[0], salt)
	for _, name := range names[1:] {
		a.Others = append(a.Others, send(id, name, salt).Resource)
	}
	return a
}

func nFilters(n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprint("filter-", i))
	}
	return names
}

// A SotW client accepts all resources of a response, or none.
func TestSotWResponseOfSeveral(t *testing.T) {
	for _, n := range []int{3, fewNames + 1} {
		s, events, conn := start(t, named{})
		str, err := discoveryv3.NewAggregatedDiscoveryServiceClient(conn).StreamAggregatedResources(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		names := nFilters(n)
		request := &discoveryv3.DiscoveryRequest{Node: testNode, TypeUrl: resourcev3.ExtensionConfigType, ResourceNames: names}
		answer := func(detail *rpcstatus.Status) *delivery.Answer {
			t.Helper()
			request.ErrorDetail = detail
			if err := str.Send(request); err != nil {
				t.Fatal(err)
			}
			return next[delivery.Requested](t, events).Answer
		}
		receive := func() map[string]string {
			t.Helper()
			got, err := str.Recv()
			if err != nil {
				t.Fatal(err)
			}
			request.ResponseNonce = got.GetNonce()
			if len(got.GetResources()) != 2 {
				t.Fatalf("%d resources", len(got.GetResources()))
			}
			return subscription.ParseVersionInfo(got.GetVersionInfo(), names)
		}
		if err := str.Send(request); err != nil {
			t.Fatal(err)
		}
		id := next[delivery.StreamOpened](t, events).Stream
		next[delivery.Requested](t, events)
		s.Send(together(id, salt1, names[0], names[1]))
		want := map[string]string{names[0]: "0123456789ab.i" + salt1, names[1]: "0123456789ab.i" + salt1}
		if diff := cmp.Diff(want, receive()); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(&delivery.Answer{Name: names[0]}, answer(nil)); diff != "" {
			t.Error(diff)
		}
		s.Send(together(id, salt2, names[2], names[0])) // in another order than the names
		refused := map[string]string{names[0]: "0123456789ab.i" + salt2, names[1]: "0123456789ab.i" + salt1, names[2]: "0123456789ab.i" + salt2}
		if diff := cmp.Diff(refused, receive()); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(&delivery.Answer{Name: names[2], Nack: true, Message: "no"}, answer(&rpcstatus.Status{Message: "no"})); diff != "" {
			t.Error(diff)
		}
		// Refused versions are not listed as accepted.
		s.Send(together(id, salt2, names[1], names[0]))
		want = map[string]string{names[0]: "0123456789ab.i" + salt2, names[1]: "0123456789ab.i" + salt2}
		if diff := cmp.Diff(want, receive()); diff != "" {
			t.Error(diff)
		}
	}
}

// rotten makes all resources but one.
type rotten struct {
	named
	name string
}

func (r rotten) Build(ctx context.Context, a delivery.Send) (*wire.Resource, error) {
	if a.Name == r.name {
		return nil, errors.New("the module is rotten")
	}
	return r.named.Build(ctx, a)
}

// A resource that cannot be made is reported, and left out of the response.
func TestOneOfSeveralCannotBeBuilt(t *testing.T) {
	names := nFilters(3)
	for _, bad := range names {
		s, events, conn := start(t, rotten{name: bad})
		str, err := discoveryv3.NewAggregatedDiscoveryServiceClient(conn).DeltaAggregatedResources(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := str.Send(&discoveryv3.DeltaDiscoveryRequest{ResourceNamesSubscribe: names, TypeUrl: resourcev3.ExtensionConfigType}); err != nil {
			t.Fatal(err)
		}
		opened := next[delivery.StreamOpened](t, events)
		next[delivery.Requested](t, events)
		s.Send(together(opened.Stream, salt1, names...))
		want := delivery.BuildFailed{Stream: opened.Stream, Name: bad, Reason: "the module is rotten"}
		if diff := cmp.Diff(want, next[delivery.BuildFailed](t, events)); diff != "" {
			t.Error(diff)
		}
		got, err := str.Recv()
		if err != nil || len(got.GetResources()) != 2 {
			t.Fatalf("%v, %v", got, err)
		}
		for _, r := range got.GetResources() {
			if r.GetName() == bad {
				t.Errorf("%s was sent", bad)
			}
		}
	}
}
