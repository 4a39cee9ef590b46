package signal

import (
	"math"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	metricsv3 "github.com/envoyproxy/go-control-plane/envoy/service/metrics/v3"
	prometheus "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/proto"
)

func at(seconds float64) time.Time {
	return start.Add(time.Duration(seconds * float64(time.Second)))
}

// stats are the stats of a message: a counter or a gauge has a number, and times have a list.
type stats map[string]any

type gauge float64

// message is a message of Envoy's metrics service.
func message(t testing.TB, s stats) []byte {
	t.Helper()
	m := &metricsv3.StreamMetricsMessage{}
	for name, value := range s {
		one := &prometheus.Metric{TimestampMs: proto.Int64(start.UnixMilli())}
		kind := prometheus.MetricType_COUNTER
		switch v := value.(type) {
		case int:
			one.Counter = &prometheus.Counter{Value: proto.Float64(float64(v))}
		case gauge:
			kind, one.Gauge = prometheus.MetricType_GAUGE, &prometheus.Gauge{Value: proto.Float64(float64(v))}
		case []float64:
			kind, one.Summary = prometheus.MetricType_SUMMARY, summary(v)
		case *prometheus.Summary:
			kind, one.Summary = prometheus.MetricType_SUMMARY, v
		case *prometheus.Histogram:
			kind, one.Histogram = prometheus.MetricType_HISTOGRAM, v
		case node:
			m.Identifier = &metricsv3.StreamMetricsMessage_Identifier{Node: &corev3.Node{Id: string(v)}}
			continue
		case stamp:
			continue
		}
		if stamp, ok := s["stamp"].(stamp); ok {
			one.TimestampMs = proto.Int64(int64(stamp))
		}
		m.EnvoyMetrics = append(m.EnvoyMetrics, &prometheus.MetricFamily{Name: proto.String(name), Type: &kind, Metric: []*prometheus.Metric{one}})
	}
	text, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

type (
	node  string
	stamp int64
)

// summary is Envoy's summary of times.
func summary(all []float64) *prometheus.Summary {
	s := &prometheus.Summary{SampleCount: proto.Uint64(uint64(len(all)))}
	for _, q := range []float64{0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 1} {
		value := math.NaN()
		if len(all) > 0 {
			value = all[min(int(q*float64(len(all))), len(all)-1)]
		}
		s.Quantile = append(s.Quantile, &prometheus.Quantile{Quantile: proto.Float64(q), Value: proto.Float64(value)})
	}
	return s
}

// reporter is a stream of reports in a test.
type reporter struct {
	t   testing.TB
	src *Source
}

var edge = Key{Node: "edge", Host: "10.0.0.1"}

func open(t testing.TB, s *Store, key Key, now time.Time) reporter {
	t.Helper()
	src, err := s.Open(key, now)
	if err != nil {
		t.Fatal(err)
	}
	return reporter{t, src}
}

func (r reporter) report(seconds float64, s stats) {
	r.t.Helper()
	if _, has := s["stamp"]; !has {
		s["stamp"] = stamp(at(seconds).UnixMilli())
	}
	var out Report
	if err := ReadReport(message(r.t, s), &out); err != nil {
		r.t.Fatal(err)
	}
	r.src.Report(&out, at(seconds))
}

// want compares the requests and 5xx of a span.
func want(t testing.TB, s *Store, from, to float64, requests, errors uint64) {
	t.Helper()
	f, _ := s.Between(edge, "auth", at(from), at(to))
	if f.Requests != requests || f.Errors5xx != errors {
		t.Errorf("from %v to %v: %d requests and %d errors, want %d and %d", from, to, f.Requests, f.Errors5xx, requests, errors)
	}
}

func counts(up float64, completed, errors int) stats {
	return stats{
		"server.uptime": gauge(up), "http.web.downstream_rq_completed": completed, "http.web.downstream_rq_5xx": errors,
		"cluster_manager.cluster_added": 2,
	}
}
