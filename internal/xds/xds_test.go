package xds

import (
	"fmt"
	"testing"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	extensionv3 "github.com/envoyproxy/go-control-plane/envoy/service/extension/v3"
	resourcev3 "github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"github.com/google/go-cmp/cmp"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/xds/subscription"
)

func TestDelta(t *testing.T) {
	s, events, conn := start(t, named{})
	str, err := discoveryv3.NewAggregatedDiscoveryServiceClient(conn).DeltaAggregatedResources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	request := func(r *discoveryv3.DeltaDiscoveryRequest) {
		t.Helper()
		r.TypeUrl = resourcev3.ExtensionConfigType
		if err := str.Send(r); err != nil {
			t.Fatal(err)
		}
	}
	request(&discoveryv3.DeltaDiscoveryRequest{
		Node: testNode, ResourceNamesSubscribe: []string{"b", "a", "*"},
		InitialResourceVersions: map[string]string{"a": "0123456789ab.i" + salt1},
	})
	opened := next[delivery.StreamOpened](t, events)
	wantNode := delivery.Node{
		ID: "edge-1", Cluster: "edge", Version: "1.40.0", Address: "bufconn", Host: "bufconn", Runtimes: []string{"envoy.wasm.runtime.v8"},
		Metadata: map[string]string{"env": "prod", "zone": "3"},
	}
	if diff := cmp.Diff(delivery.StreamOpened{Stream: opened.Stream, Node: wantNode, ADS: true, Delta: true}, opened); diff != "" {
		t.Error(diff)
	}
	first := next[delivery.Requested](t, events)
	if diff := cmp.Diff([]delivery.Subscription{{Name: "a", Accepted: "0123456789ab.i" + salt1}, {Name: "b"}}, first.Subscribe); diff != "" {
		t.Error(diff)
	}
	s.Send(send(opened.Stream, "b", salt1))
	got, err := str.Recv()
	if err != nil {
		t.Fatal(err)
	}
	if len(got.GetResources()) != 1 || got.GetResources()[0].GetVersion() != "0123456789ab.i"+salt1 || len(got.GetRemovedResources()) > 0 {
		t.Errorf("response %v", got)
	}
	// A nonce other than the outstanding one answers nothing.
	request(&discoveryv3.DeltaDiscoveryRequest{ResponseNonce: "77", ResourceNamesSubscribe: []string{"c"}})
	if e := next[delivery.Requested](t, events); e.Answer != nil || len(e.Subscribe) != 1 {
		t.Errorf("stale nonce: %+v", e)
	}
	request(&discoveryv3.DeltaDiscoveryRequest{
		ResponseNonce: got.GetNonce(), ErrorDetail: &rpcstatus.Status{Message: "Unable to create Wasm plugin b"},
		ResourceNamesUnsubscribe: []string{"c", "never"},
	})
	want := delivery.Requested{
		Stream: opened.Stream, Answer: &delivery.Answer{Name: "b", Nack: true, Message: "Unable to create Wasm plugin b"}, Unsubscribe: []string{"c"},
	}
	if diff := cmp.Diff(want, next[delivery.Requested](t, events)); diff != "" {
		t.Error(diff)
	}
	if err := str.CloseSend(); err != nil {
		t.Fatal(err)
	}
	next[delivery.StreamClosed](t, events)
}

// Delta's responses go out without waiting for one another, for any number of sends and any slow
// client, and each answer belongs to a response by its nonce.
func TestDeltaIsPipelined(t *testing.T) {
	s, events, conn := start(t, named{})
	str, err := discoveryv3.NewAggregatedDiscoveryServiceClient(conn).DeltaAggregatedResources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const n = 100 // more than go-control-plane's channel holds
	request := &discoveryv3.DeltaDiscoveryRequest{Node: testNode, TypeUrl: resourcev3.ExtensionConfigType}
	for i := range n {
		request.ResourceNamesSubscribe = append(request.ResourceNamesSubscribe, fmt.Sprintf("filter-%03d", i))
	}
	if err := str.Send(request); err != nil {
		t.Fatal(err)
	}
	opened := next[delivery.StreamOpened](t, events)
	next[delivery.Requested](t, events)
	for _, name := range request.GetResourceNamesSubscribe() {
		s.Send(send(opened.Stream, name, salt1))
	}
	nonces := map[string]string{}
	for range n {
		got, err := str.Recv()
		if err != nil || len(got.GetResources()) != 1 {
			t.Fatalf("%v, %v", got, err)
		}
		nonces[got.GetResources()[0].GetName()] = got.GetNonce()
	}
	for i := range n { // the last first: the order does not matter
		name := request.GetResourceNamesSubscribe()[n-1-i]
		answer := &discoveryv3.DeltaDiscoveryRequest{TypeUrl: resourcev3.ExtensionConfigType, ResponseNonce: nonces[name]}
		want := &delivery.Answer{Name: name}
		if i%2 > 0 {
			answer.ErrorDetail = &rpcstatus.Status{Message: "no"}
			want.Nack, want.Message = true, "no"
		}
		if err := str.Send(answer); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, next[delivery.Requested](t, events).Answer); diff != "" {
			t.Fatal(diff)
		}
	}
}

func TestSotW(t *testing.T) {
	s, events, conn := start(t, named{})
	str, err := extensionv3.NewExtensionConfigDiscoveryServiceClient(conn).StreamExtensionConfigs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	request := func(version, nonce string, detail *rpcstatus.Status, names ...string) {
		t.Helper()
		err := str.Send(&discoveryv3.DiscoveryRequest{
			Node: testNode, VersionInfo: version, ResponseNonce: nonce, ErrorDetail: detail, ResourceNames: names,
			TypeUrl: resourcev3.ExtensionConfigType,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	receive := func() *discoveryv3.DiscoveryResponse {
		t.Helper()
		got, err := str.Recv()
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	// A reconnect: the client names the versions it accepted from an earlier server.
	request("a=0123456789ab.i"+salt1, "", nil, "a", "b/x")
	opened := next[delivery.StreamOpened](t, events)
	if opened.ADS || opened.Delta {
		t.Errorf("opened %+v", opened)
	}
	first := next[delivery.Requested](t, events)
	wantSubs := []delivery.Subscription{{Name: "a", Accepted: "0123456789ab.i" + salt1, Replay: true}, {Name: "b/x"}}
	if diff := cmp.Diff(wantSubs, first.Subscribe); diff != "" {
		t.Error(diff)
	}
	s.Send(send(opened.Stream, "b/x", salt1))
	one := receive()
	wantInfo := "a=0123456789ab.i" + salt1 + ",b%2Fx=0123456789ab.i" + salt1
	if one.GetVersionInfo() != wantInfo || len(one.GetResources()) != 1 {
		t.Errorf("version_info %q, want %q", one.GetVersionInfo(), wantInfo)
	}
	request(wantInfo, one.GetNonce(), nil, "a", "b/x")
	if e := next[delivery.Requested](t, events); e.Answer == nil || e.Answer.Nack {
		t.Errorf("ACK: %+v", e)
	}
	s.Send(send(opened.Stream, "a", salt2))
	two := receive()
	request(wantInfo, two.GetNonce(), &rpcstatus.Status{Message: "no"}, "a", "b/x")
	if e := next[delivery.Requested](t, events); e.Answer == nil || !e.Answer.Nack {
		t.Errorf("NACK: %+v", e)
	}
	// The refused version is not in the list of the accepted versions. The other still is.
	s.Send(send(opened.Stream, "b/x", salt2))
	three := receive()
	if want := "a=0123456789ab.i" + salt1 + ",b%2Fx=0123456789ab.i" + salt2; three.GetVersionInfo() != want {
		t.Errorf("version_info %q, want %q", three.GetVersionInfo(), want)
	}
	request(three.GetVersionInfo(), three.GetNonce(), nil, "b/x")
	e := next[delivery.Requested](t, events)
	if diff := cmp.Diff(delivery.Requested{Stream: opened.Stream, Answer: &delivery.Answer{Name: "b/x"}, Unsubscribe: []string{"a"}}, e); diff != "" {
		t.Error(diff)
	}
}

// With many names, and if more responses follow at once, only the last response has the list.
func TestSotWListsOnce(t *testing.T) {
	s, events, conn := start(t, named{})
	str, err := discoveryv3.NewAggregatedDiscoveryServiceClient(conn).StreamAggregatedResources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	request := &discoveryv3.DiscoveryRequest{Node: testNode, TypeUrl: resourcev3.ExtensionConfigType}
	for i := range fewNames + 1 {
		request.ResourceNames = append(request.ResourceNames, fmt.Sprint("filter-", i))
	}
	want := map[string]string{}
	var id delivery.StreamID
	for i, name := range request.GetResourceNames() {
		if err := str.Send(request); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			id = next[delivery.StreamOpened](t, events).Stream
		}
		if e := next[delivery.Requested](t, events); (e.Answer != nil) != (i > 0) {
			t.Fatalf("request %d: %+v", i, e)
		}
		a := send(id, name, salt1)
		a.More = i < fewNames
		s.Send(a)
		want[name] = a.Version.String()
		got, err := str.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if (got.GetVersionInfo() == "~") != a.More {
			t.Errorf("response %d: version_info %q", i, got.GetVersionInfo())
		}
		request.VersionInfo, request.ResponseNonce = got.GetVersionInfo(), got.GetNonce()
	}
	if diff := cmp.Diff(want, subscription.ParseVersionInfo(request.GetVersionInfo(), request.GetResourceNames())); diff != "" {
		t.Error(diff)
	}
}

func TestSendWaitsForTheClientToAsk(t *testing.T) {
	// SotW at boot: one request after the other with a growing list. A response handed to a watch
	// must not be lost if the next request replaces the watch.
	s, events, conn := start(t, named{})
	str, err := discoveryv3.NewAggregatedDiscoveryServiceClient(conn).StreamAggregatedResources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"a"}
	for range 50 {
		names = append(names, names[len(names)-1]+"x")
	}
	for i := range names {
		err := str.Send(&discoveryv3.DiscoveryRequest{Node: testNode, ResourceNames: names[:i+1], TypeUrl: resourcev3.ExtensionConfigType})
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			opened := next[delivery.StreamOpened](t, events)
			s.Send(send(opened.Stream, "a", salt1))
		}
	}
	got, err := str.Recv()
	if err != nil || len(got.GetResources()) != 1 {
		t.Fatalf("%v, %v", got, err)
	}
}

func TestBuildFailureIsReported(t *testing.T) {
	s, events, conn := start(t, named{fails: true})
	str, err := discoveryv3.NewAggregatedDiscoveryServiceClient(conn).DeltaAggregatedResources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := str.Send(&discoveryv3.DeltaDiscoveryRequest{ResourceNamesSubscribe: []string{"a"}, TypeUrl: resourcev3.ExtensionConfigType}); err != nil {
		t.Fatal(err)
	}
	opened := next[delivery.StreamOpened](t, events)
	next[delivery.Requested](t, events)
	s.Send(send(opened.Stream, "a", salt1))
	want := delivery.BuildFailed{Stream: opened.Stream, Name: "a", Reason: "the module is rotten"}
	if diff := cmp.Diff(want, next[delivery.BuildFailed](t, events)); diff != "" {
		t.Error(diff)
	}
}

func TestOtherTypesAreLeftUnanswered(t *testing.T) {
	_, events, conn := start(t, named{})
	str, err := discoveryv3.NewAggregatedDiscoveryServiceClient(conn).StreamAggregatedResources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, typeURL := range []string{resourcev3.ListenerType, resourcev3.ExtensionConfigType} {
		if err := str.Send(&discoveryv3.DiscoveryRequest{Node: testNode, ResourceNames: []string{"a"}, TypeUrl: typeURL}); err != nil {
			t.Fatal(err)
		}
	}
	next[delivery.StreamOpened](t, events) // of the second stream: the first did not end it
}
