package metrics

import "github.com/prometheus/client_golang/prometheus"

// spans counts the spans of traces. Any goroutine may call the methods.
type spans struct{ all *prometheus.CounterVec }

func newSpans() *spans {
	s := &spans{prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "wasm_xds_spans_total", Help: "Spans of traces for the collector, by outcome.",
	}, []string{"outcome"})}
	s.all.WithLabelValues("sent")
	s.all.WithLabelValues("dropped")
	return s
}

// SpansSent counts spans that the collector has taken.
func (s *spans) SpansSent(n int) { s.all.WithLabelValues("sent").Add(float64(n)) }

// SpansDropped counts spans that the collector will not get.
func (s *spans) SpansDropped(n int) { s.all.WithLabelValues("dropped").Add(float64(n)) }
