package xds

import (
	"context"
	"testing"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	cachev3 "github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	resourcev3 "github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/xds/wire"
)

// link is a gRPC stream: a client's request, and the messages that were sent.
type link struct {
	grpc.ServerStream
	request proto.Message
	sent    []mem.BufferSlice
}

func (l *link) RecvMsg(m any) error {
	b, err := proto.Marshal(l.request)
	m.(*wire.Incoming).Message = mem.SliceBuffer(b)
	return err
}

func (l *link) SendMsg(m any) error {
	l.sent = append(l.sent, m.(*wire.Outgoing).Message)
	return nil
}

// fresh is the part of a server that a stream of a test needs.
func fresh(events recorder) *shared {
	all := &shared{handler: events, limits: Limits{}.WithDefaults()}
	all.sotw.Request = &discoveryv3.DiscoveryRequest{TypeUrl: resourcev3.ExtensionConfigType}
	all.delta.DeltaRequest = &discoveryv3.DeltaDiscoveryRequest{TypeUrl: resourcev3.ExtensionConfigType}
	return all
}

// one is a response with one resource.
func one(name string, isDelta bool) response {
	a := send(1, name, salt1)
	r := newResponse(nil, isDelta, false)
	r.add(a.Resource, wire.NewResource(name, a.Version.String(), []byte("config")))
	return r
}

// offered is the response in a watch.
func offered[R any](t *testing.T, watch chan R) R {
	t.Helper()
	if len(watch) != 1 {
		t.Fatalf("%d responses are in the watch", len(watch))
	}
	return <-watch
}

// A SotW response goes through the queue and the watch to gRPC once, although the loop gives up the
// first watch. The test is the loop.
func TestAResponseGoesDownOnceInSotW(t *testing.T) {
	l := &link{request: &discoveryv3.DiscoveryRequest{TypeUrl: resourcev3.ExtensionConfigType, ResourceNames: []string{"auth"}}}
	s := newSotWStream(l)
	s.begin(context.Background(), context.Background(), fresh(make(recorder, 10)), 1, resourcev3.AnyType)
	t.Cleanup(s.end)
	ask := func() (watch chan cachev3.Response, cancel func()) {
		request, err := s.Recv()
		if err != nil {
			t.Fatal(err)
		}
		watch = make(chan cachev3.Response, 1)
		if cancel, err = s.CreateWatch(request, nil, watch); err != nil {
			t.Fatal(err)
		}
		return watch, cancel
	}
	_, cancel := ask()
	s.deliver(one("auth", false))
	cancel()
	watch, _ := ask()
	r := offered(t, watch)
	message, err := r.GetDiscoveryResponse()
	if err != nil || r.GetRequest().GetTypeUrl() != resourcev3.ExtensionConfigType {
		t.Fatal(r.GetRequest(), err)
	}
	message.Nonce = "7"
	if err := s.Send(message); err != nil {
		t.Fatal(err)
	}
	if len(watch)+len(s.queue.waiting) != 0 || len(l.sent) != 1 {
		t.Fatalf("%d responses wait, and %d were sent", len(watch)+len(s.queue.waiting), len(l.sent))
	}
	got := &discoveryv3.DiscoveryResponse{}
	if err := proto.Unmarshal(l.sent[0].Materialize(), got); err != nil {
		t.Fatal(err)
	}
	version := "0123456789ab.i" + salt1
	if got.GetNonce() != "7" || got.GetVersionInfo() != "auth="+version || len(got.GetResources()) != 1 {
		t.Errorf("sent %v", got)
	}
}

// Delta responses go down in their order, each under its own nonce, and each answer finds its
// response.
func TestResponsesGoDownOnceInDelta(t *testing.T) {
	request := &discoveryv3.DeltaDiscoveryRequest{TypeUrl: resourcev3.ExtensionConfigType, ResourceNamesSubscribe: []string{"a", "b"}}
	l, events := &link{request: request}, make(recorder, 10)
	s := newDeltaStream(l)
	s.begin(context.Background(), context.Background(), fresh(events), 1, resourcev3.AnyType)
	t.Cleanup(s.end)
	watch := make(chan cachev3.DeltaResponse, 16)
	ask := func() {
		q, err := s.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.CreateDeltaWatch(q, nil, watch); err != nil {
			t.Fatal(err)
		}
	}
	s.deliver(one("a", true))
	ask()
	s.deliver(one("b", true))
	next[delivery.StreamOpened](t, events)
	next[delivery.Requested](t, events)
	for _, nonce := range []string{"1", "2"} {
		r := offered(t, watch)
		message, err := r.GetDeltaDiscoveryResponse()
		if err != nil || r.GetDeltaRequest().GetTypeUrl() != resourcev3.ExtensionConfigType {
			t.Fatal(r.GetDeltaRequest(), err)
		}
		message.Nonce = nonce
		if err := s.Send(message); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, message := range l.sent {
		m := &discoveryv3.DeltaDiscoveryResponse{}
		if err := proto.Unmarshal(message.Materialize(), m); err != nil || len(m.GetResources()) != 1 {
			t.Fatal(m, err)
		}
		got = append(got, m.GetNonce()+m.GetResources()[0].GetName())
	}
	if diff := cmp.Diff([]string{"1a", "2b"}, got); diff != "" || len(watch)+len(s.queue.waiting) != 0 {
		t.Errorf("sent: %s, %d wait", diff, len(watch)+len(s.queue.waiting))
	}
	request.Reset()
	request.TypeUrl, request.ResponseNonce = resourcev3.ExtensionConfigType, "2"
	ask()
	if diff := cmp.Diff(&delivery.Answer{Name: "b"}, next[delivery.Requested](t, events).Answer); diff != "" {
		t.Error(diff)
	}
}
