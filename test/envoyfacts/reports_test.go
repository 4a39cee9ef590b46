package envoyfacts

import (
	"sync"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	accesslogdatav3 "github.com/envoyproxy/go-control-plane/envoy/data/accesslog/v3"
	accesslogv3 "github.com/envoyproxy/go-control-plane/envoy/service/accesslog/v3"
	metricsv3 "github.com/envoyproxy/go-control-plane/envoy/service/metrics/v3"
	prometheus "github.com/prometheus/client_model/go"
	"google.golang.org/grpc"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// reports keeps the reports of an Envoy: its stats and its access logs.
type reports struct {
	metricsv3.UnimplementedMetricsServiceServer
	accesslogv3.UnimplementedAccessLogServiceServer

	mu      sync.Mutex
	nodes   []*corev3.Node                      // of each message; nil: it has none
	latest  map[string]*prometheus.MetricFamily // by name, in the newest message
	times   map[string]uint64                   // counts of the summaries, over all messages
	medians map[string]float64                  // of the newest summary that counts something
	entries []*accesslogdatav3.HTTPAccessLogEntry
}

func (r *reports) register(server *grpc.Server) {
	metricsv3.RegisterMetricsServiceServer(server, r)
	accesslogv3.RegisterAccessLogServiceServer(server, r)
}

func (r *reports) StreamMetrics(g grpc.ClientStreamingServer[metricsv3.StreamMetricsMessage, metricsv3.StreamMetricsResponse]) error {
	for {
		m, err := g.Recv()
		if err != nil {
			return err
		}
		r.take(m)
	}
}

func (r *reports) take(m *metricsv3.StreamMetricsMessage) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.nodes, r.latest = append(r.nodes, m.GetIdentifier().GetNode()), map[string]*prometheus.MetricFamily{}
	if r.times == nil {
		r.times, r.medians = map[string]uint64{}, map[string]float64{}
	}
	for _, family := range m.GetEnvoyMetrics() {
		name := family.GetName()
		r.latest[name] = family
		if s := family.GetMetric()[0].GetSummary(); s.GetSampleCount() > 0 {
			const half = 2 // the third quantile
			r.times[name] += s.GetSampleCount()
			r.medians[name] = s.GetQuantile()[half].GetValue()
		}
	}
}

func (r *reports) StreamAccessLogs(g grpc.ClientStreamingServer[accesslogv3.StreamAccessLogsMessage, accesslogv3.StreamAccessLogsResponse]) error {
	for {
		m, err := g.Recv()
		if err != nil {
			return err
		}
		r.mu.Lock()
		r.entries = append(r.entries, m.GetHttpLogs().GetLogEntry()...)
		r.mu.Unlock()
	}
}

// next waits for two further reports: the second has everything that happened before the call.
func (r *reports) next(t *testing.T) {
	t.Helper()
	before := r.count()
	if !harness.Poll(t.Context(), func() bool { return r.count() >= before+2 }) {
		t.Fatal("Envoy reports no stats")
	}
}

func (r *reports) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.nodes)
}

// value is a counter's or a gauge's value in the newest report; -1: there is none.
func (r *reports) value(name string) float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	family, ok := r.latest[name]
	if !ok {
		return -1
	}
	one := family.GetMetric()[0]
	if family.GetType() == prometheus.MetricType_COUNTER {
		return one.GetCounter().GetValue()
	}
	return one.GetGauge().GetValue()
}

// wantStat compares a value of the newest report.
func (r *reports) wantStat(t *testing.T, name string, want float64) {
	t.Helper()
	if got := r.value(name); got != want {
		t.Errorf("%s is %v, want %v", name, got, want)
	}
}

// failed counts the logged requests to a port, and checks each.
func (r *reports) failed(t *testing.T, port int) (n int) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.entries {
		if details := e.GetResponse().GetResponseCodeDetails(); details != "wasm_fail_stream" {
			t.Errorf("logged: %s", details)
		}
		if int(e.GetCommonProperties().GetDownstreamLocalAddress().GetSocketAddress().GetPortValue()) == port {
			n++
		}
	}
	return n
}
