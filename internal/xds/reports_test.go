package xds

import (
	"context"
	"strings"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	accesslogdatav3 "github.com/envoyproxy/go-control-plane/envoy/data/accesslog/v3"
	accesslogv3 "github.com/envoyproxy/go-control-plane/envoy/service/accesslog/v3"
	metricsv3 "github.com/envoyproxy/go-control-plane/envoy/service/metrics/v3"
	prometheus "github.com/prometheus/client_model/go"
	"golang.org/x/time/rate"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/wasm-xds/wasm-xds/internal/identity"
	"github.com/wasm-xds/wasm-xds/internal/signal"
)

// statsOf is a report with a count of completed requests.
func statsOf(node *corev3.Node, requests float64) *metricsv3.StreamMetricsMessage {
	m := &metricsv3.StreamMetricsMessage{EnvoyMetrics: []*prometheus.MetricFamily{{
		Name: proto.String("http.web.downstream_rq_completed"), Type: prometheus.MetricType_COUNTER.Enum(),
		Metric: []*prometheus.Metric{{Counter: &prometheus.Counter{Value: &requests}}},
	}}}
	if node != nil {
		m.Identifier = &metricsv3.StreamMetricsMessage_Identifier{Node: node}
	}
	return m
}

// logOf is an access log with the details of responses.
func logOf(node *corev3.Node, details ...string) *accesslogv3.StreamAccessLogsMessage {
	entries := &accesslogv3.StreamAccessLogsMessage_HTTPAccessLogEntries{}
	for _, one := range details {
		entries.LogEntry = append(entries.LogEntry, &accesslogdatav3.HTTPAccessLogEntry{
			Request: &accesslogdatav3.HTTPRequestProperties{Path: "/wasm_fail_stream"}, Response: &accesslogdatav3.HTTPResponseProperties{ResponseCodeDetails: one},
		})
	}
	m := &accesslogv3.StreamAccessLogsMessage{LogEntries: &accesslogv3.StreamAccessLogsMessage_HttpLogs{HttpLogs: entries}}
	if node != nil {
		m.Identifier = &accesslogv3.StreamAccessLogsMessage_Identifier{Node: node}
	}
	return m
}

func sendStats(t *testing.T, conn *grpc.ClientConn, all ...*metricsv3.StreamMetricsMessage) grpc.ClientStreamingClient[metricsv3.StreamMetricsMessage, metricsv3.StreamMetricsResponse] {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	str, err := metricsv3.NewMetricsServiceClient(conn).StreamMetrics(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		_ = str.Send(m) // the end of the stream tells of an error
	}
	return str
}

func sendLog(t *testing.T, conn *grpc.ClientConn, m *accesslogv3.StreamAccessLogsMessage) grpc.ClientStreamingClient[accesslogv3.StreamAccessLogsMessage, accesslogv3.StreamAccessLogsResponse] {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	str, err := accesslogv3.NewAccessLogServiceClient(conn).StreamAccessLogs(ctx)
	if err != nil {
		t.Fatal(err)
	}
	_ = str.Send(m)
	return str
}

// figures waits until the store has figures of the test's node that fit.
func figures(t *testing.T, store *signal.Store, fit func(signal.Figures) bool) signal.Figures {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		f, _ := store.Between(signal.Key{Node: testNode.GetId()}, "", time.Now().Add(-time.Hour), time.Now())
		if fit(f) {
			return f
		}
		if time.Now().After(deadline) {
			t.Fatalf("the figures stay %d requests, %d traps", f.Requests, f.Traps)
		}
		time.Sleep(time.Millisecond)
	}
}

func TestReports(t *testing.T) {
	s, _, conn := start(t, named{})
	str := sendStats(t, conn, statsOf(testNode, 100), statsOf(nil, 130))
	f := figures(t, s.reports.store, func(f signal.Figures) bool { return f.Requests > 0 })
	if f.Requests != 30 {
		t.Errorf("%d requests", f.Requests)
	}
	if err := str.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if err := str.RecvMsg(&metricsv3.StreamMetricsResponse{}); err == nil {
		t.Error("the server answers")
	}
	// On the next stream, the counters go on.
	sendStats(t, conn, statsOf(testNode, 150))
	figures(t, s.reports.store, func(f signal.Figures) bool { return f.Requests == 50 })
	sendLog(t, conn, logOf(testNode, "wasm_fail_stream", "via_upstream", "wasm_fail_stream"))
	figures(t, s.reports.store, func(f signal.Figures) bool { return f.Traps == 2 })
}

func TestReportsBeyondLimits(t *testing.T) {
	long := &corev3.Node{Id: strings.Repeat("n", 2000)}
	for _, tt := range []struct {
		limit  Limit // "": no limit
		code   codes.Code
		limits Limits
		before int
		node   *corev3.Node
	}{
		{LimitStreams, codes.ResourceExhausted, Limits{Streams: 1}, 1, testNode},
		{LimitStreamsPerNode, codes.ResourceExhausted, Limits{StreamsPerNode: 1}, 1, testNode},
		{LimitRequestSize, codes.ResourceExhausted, Limits{RequestSize: 1000}, 0, long},
		{LimitNodeSize, codes.ResourceExhausted, Limits{NodeSize: 1000}, 0, long},
		{LimitReportMemory, codes.ResourceExhausted, Limits{ReportMemory: 100}, 0, testNode},
		{"", codes.InvalidArgument, Limits{}, 0, nil},
		{"", codes.InvalidArgument, Limits{}, 0, &corev3.Node{Cluster: "edge"}},
	} {
		for _, service := range []string{"metrics", "access logs"} {
			t.Run(string(tt.limit)+"/"+service, func(t *testing.T) {
				refusals := make(chan Refusal, 10)
				tt.limits.Refused = func(r Refusal) { refusals <- r }
				s, _, conn := startLimited(t, named{}, tt.limits)
				for range tt.before {
					sendStats(t, conn, statsOf(testNode, 1), statsOf(nil, 3))
					figures(t, s.reports.store, func(f signal.Figures) bool { return f.Requests > 0 })
				}
				var err error
				if service == "metrics" {
					err = sendStats(t, conn, statsOf(tt.node, 1)).RecvMsg(&metricsv3.StreamMetricsResponse{})
				} else {
					err = sendLog(t, conn, logOf(tt.node, "wasm_fail_stream")).RecvMsg(&accesslogv3.StreamAccessLogsResponse{})
				}
				if status.Code(err) != tt.code {
					t.Fatal(err)
				}
				if tt.limit == "" {
					return
				}
				if r := <-refusals; r.Limit != tt.limit || r.Most == 0 || r.Address == "" {
					t.Errorf("%+v", r)
				}
			})
		}
	}
}

// A report of an Envoy that the client's certificate does not cover is refused, also after the
// rules have changed, and leaves no trace.
func TestIdentifiedReports(t *testing.T) {
	s := startIdentifying(t, "spiffe://prod/one", someRules)
	refused := func(err error, claim identity.Claim) {
		t.Helper()
		if status.Code(err) != codes.PermissionDenied {
			t.Fatal(err)
		}
		if r := <-s.refused; r.Claim != claim || r.Address == "" {
			t.Errorf("%+v", r)
		}
	}
	other := &corev3.Node{Id: "two", Cluster: "edge"}
	refused(sendStats(t, s.conn, statsOf(other, 1)).RecvMsg(&metricsv3.StreamMetricsResponse{}), identity.ClaimNode)
	refused(sendLog(t, s.conn, logOf(other, "wasm_fail_stream")).RecvMsg(&accesslogv3.StreamAccessLogsResponse{}), identity.ClaimNode)
	if state, _ := s.reports.store.State(signal.Key{Node: "two"}, time.Now()); state != signal.Never {
		t.Error("a refused report is kept")
	}
	str := sendStats(t, s.conn, statsOf(&corev3.Node{Id: "one", Cluster: "edge"}, 1))
	for {
		if state, _ := s.reports.store.State(signal.Key{Node: "one"}, time.Now()); state == signal.Reporting {
			break
		}
		time.Sleep(time.Millisecond)
	}
	s.setRules(t, "others: none\nrules: [{san: 'spiffe://prod/x', nodes: [x]}]")
	_ = str.Send(statsOf(nil, 2))
	refused(str.RecvMsg(&metricsv3.StreamMetricsResponse{}), identity.ClaimNode)
}

// The server reads a flood of access logs more slowly, for less time than a connection may wait.
func TestPaceOfAccessLogs(t *testing.T) {
	r := newReports(&shared{}, signal.NewStore(signal.Limits{}))
	own := rate.NewLimiter(logsOfStream, logsOfStreamBurst)
	if err := r.pause(t.Context(), own, logsOfStreamBurst); err != nil {
		t.Error(err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if err := r.pause(ended, own, 16<<10); status.Code(err) != codes.Canceled {
		t.Errorf("beyond the pace, the reader does not wait: %v", err)
	}
	if longestLogPause > 25*time.Second {
		t.Error("inflow ends the connection meanwhile")
	}
}
