package xds

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	resourcev3 "github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
)

// ask opens a stream, sends a client's first request, and returns the error that ends the stream.
func ask(t *testing.T, conn *grpc.ClientConn, isDelta bool, node *corev3.Node, names ...string) (ended func() error) {
	t.Helper()
	c := discoveryv3.NewAggregatedDiscoveryServiceClient(conn)
	if isDelta {
		str, err := c.DeltaAggregatedResources(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_ = str.Send(&discoveryv3.DeltaDiscoveryRequest{Node: node, TypeUrl: resourcev3.ExtensionConfigType, ResourceNamesSubscribe: names})
		return func() error { _, err := str.Recv(); return err }
	}
	str, err := c.StreamAggregatedResources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_ = str.Send(&discoveryv3.DiscoveryRequest{Node: node, TypeUrl: resourcev3.ExtensionConfigType, ResourceNames: names})
	return func() error { _, err := str.Recv(); return err }
}

// Each limit ends the stream with a status that names the flag, and is reported once. Delivery
// hears of the end of the streams that it knows, and of no others.
func TestLimits(t *testing.T) {
	big := &corev3.Node{Id: "edge-1", Metadata: &structpb.Struct{Fields: map[string]*structpb.Value{
		"big": structpb.NewStringValue(strings.Repeat("m", 2000)),
	}}}
	for _, tt := range []struct {
		limit  Limit
		limits Limits
		node   *corev3.Node
		names  []string
		before int // streams open before
		node1  string
	}{
		{LimitNamesPerStream, Limits{NamesPerStream: 2}, testNode, []string{"a", "b", "c"}, 0, "edge-1"},
		{LimitStreams, Limits{Streams: 2}, testNode, []string{"a"}, 2, ""},
		{LimitStreamsPerNode, Limits{StreamsPerNode: 2}, testNode, []string{"a"}, 2, "edge-1"},
		{LimitRequestSize, Limits{RequestSize: 1000}, big, []string{"a"}, 0, ""},
		{LimitNodeSize, Limits{NodeSize: 1000}, big, []string{"a"}, 0, ""},
	} {
		for _, isDelta := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/delta=%t", tt.limit, isDelta), func(t *testing.T) {
				refusals := make(chan Refusal, 10)
				tt.limits.Refused = func(r Refusal) { refusals <- r }
				s, events, conn := startLimited(t, named{}, tt.limits)
				for range tt.before {
					ask(t, conn, isDelta, testNode, "a")
					next[delivery.StreamOpened](t, events)
					next[delivery.Requested](t, events)
				}
				err := ask(t, conn, isDelta, tt.node, tt.names...)()
				flag := "--max-" + strings.ReplaceAll(string(tt.limit), "_", "-")
				if byGRPC := tt.limit == LimitRequestSize; status.Code(err) != codes.ResourceExhausted || !byGRPC && !strings.Contains(err.Error(), flag) {
					t.Fatalf("%v, want %s", err, flag)
				}
				select {
				case r := <-refusals:
					if r.Limit != tt.limit || r.Most == 0 || r.Node != tt.node1 || r.Address == "" {
						t.Errorf("told of %+v", r)
					}
				case <-time.After(patience):
					t.Fatal("nobody is told")
				}
				select {
				case e := <-events:
					t.Errorf("delivery hears of %T %+v", e, e)
				default:
				}
				s.shared.admission.mu.Lock()
				defer s.shared.admission.mu.Unlock()
				if len(refusals) > 0 {
					t.Errorf("it is told twice: %+v", <-refusals)
				}
			})
		}
	}
}

// Delivery knows a delta stream that grows beyond the limit of names, and hears of the end.
func TestAStreamThatGrows(t *testing.T) {
	s, events, conn := startLimited(t, named{}, Limits{NamesPerStream: 2})
	str, err := discoveryv3.NewAggregatedDiscoveryServiceClient(conn).DeltaAggregatedResources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, names := range [][]string{{"a", "b"}, {"c"}} {
		_ = str.Send(&discoveryv3.DeltaDiscoveryRequest{Node: testNode, TypeUrl: resourcev3.ExtensionConfigType, ResourceNamesSubscribe: names})
	}
	if _, err := str.Recv(); status.Code(err) != codes.ResourceExhausted {
		t.Fatal(err)
	}
	id := next[delivery.StreamOpened](t, events).Stream
	next[delivery.Requested](t, events)
	if e := next[delivery.StreamClosed](t, events); e.Stream != id {
		t.Errorf("%+v", e)
	}
	s.shared.admission.mu.Lock()
	defer s.shared.admission.mu.Unlock()
	if s.shared.admission.streams != 0 || len(s.shared.admission.perNode) != 0 {
		t.Errorf("%d streams are counted, %v", s.shared.admission.streams, s.shared.admission.perNode)
	}
}

// Delivery ends a stream that asks for too many names without a spec.
func TestEndOfAGreedyStream(t *testing.T) {
	s, events, conn := start(t, named{})
	ended := ask(t, conn, true, testNode, "a")
	id := next[delivery.StreamOpened](t, events).Stream
	next[delivery.Requested](t, events)
	s.End(id+1, delivery.NamesBudget) // no such stream
	s.End(id, delivery.NamesBudget)
	if err := ended(); status.Code(err) != codes.ResourceExhausted || !strings.Contains(err.Error(), "--max-names)") {
		t.Fatal(err)
	}
	next[delivery.StreamClosed](t, events)
}

// Names without a spec come after the others, a bounded number at a time.
func TestNamesWithoutASpecComeLast(t *testing.T) {
	names := func(n int, prefix string) (all []delivery.Subscription) {
		for i := range n {
			all = append(all, delivery.Subscription{Name: fmt.Sprint(prefix, i)})
		}
		return all
	}
	knows := func(name string) bool { return strings.HasPrefix(name, "known") }
	for _, tt := range []struct{ known, unknown int }{{3, 0}, {0, 3}, {3, 2}, {0, 0}} {
		all := append(names(tt.unknown, "unknown"), names(tt.known, "known")...)
		known, unknown := splitNames(all, knows)
		if len(known) != tt.known || len(unknown) != tt.unknown {
			t.Errorf("%+v: %d known, %d unknown", tt, len(known), len(unknown))
		}
	}
	events := make(recorder, 100)
	s := &stream{shared: &shared{handler: strange{events}}, client: t.Context(), announced: true}
	s.ctx, s.end = context.WithCancel(t.Context())
	defer s.end()
	if err := s.emit(true, 0, delivery.Requested{Subscribe: append(names(2*namesAtOnce+1, "unknown"), names(1, "known")...)}); err != nil {
		t.Fatal(err)
	}
	var sizes []int
	for len(events) > 0 {
		sizes = append(sizes, len((<-events).(delivery.Requested).Subscribe))
	}
	if want := []int{1, namesAtOnce, namesAtOnce, 1}; !slices.Equal(sizes, want) {
		t.Errorf("requests for %v names, want %v", sizes, want)
	}
}

// strange knows only names that begin with "known".
type strange struct{ recorder }

func (strange) Knows(name string) bool { return strings.HasPrefix(name, "known") }
