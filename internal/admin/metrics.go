package admin

import (
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// Metrics counts events. Any goroutine may call the methods; on a nil Metrics they do nothing.
type Metrics struct {
	registry *prometheus.Registry

	pushes, pushedBytes *prometheus.CounterVec
	acks                prometheus.Counter
	nacks               *prometheus.CounterVec
	rejections          *prometheus.CounterVec
	rejected            filterNames // the names in rejections
	streams             *prometheus.GaugeVec
	refusedStreams      *prometheus.CounterVec
	visits              *prometheus.CounterVec
	moduleRequests      *prometheus.CounterVec
	moduleBytes         prometheus.Counter
	snapshotChanges     prometheus.Counter
	bundleFailures      *prometheus.CounterVec
	hotLoad, resolve    *prometheus.HistogramVec
	preflightRefusals   *prometheus.CounterVec
	preflightKnown      prometheus.Counter
	preflight           *prometheus.HistogramVec
}

// NewMetrics is a set of metrics at zero, with a registry of its own.
func NewMetrics(version string) *Metrics {
	counter := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Name: "wasm_xds_" + name, Help: help}
	}
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		pushes: prometheus.NewCounterVec(counter("pushes_total",
			"Resources sent to Envoys, by what they carried."), []string{"variant"}),
		pushedBytes: prometheus.NewCounterVec(counter("push_bytes_total",
			"Bytes of the resources sent to Envoys, by what they carried."), []string{"variant"}),
		acks: prometheus.NewCounter(counter("acks_total", "Resources that Envoys accepted.")),
		nacks: prometheus.NewCounterVec(counter("nacks_total",
			"Resources that Envoys refused. not_cached is a step of every remote update; rejected needs a look; shared is a whole response."), []string{"kind"}),
		rejections: prometheus.NewCounterVec(counter("filter_rejections_total",
			"Revisions that Envoys refused, by filter."), []string{"filter"}),
		streams: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "wasm_xds_streams", Help: "Open xDS streams, by protocol.",
		}, []string{"mode"}),
		visits: prometheus.NewCounterVec(counter("wrong_protocol_connections_total",
			"Connections to Envoy's ports that began with another protocol than the port speaks."), []string{"port", "speaks"}),
		refusedStreams: prometheus.NewCounterVec(counter("limit_refusals_total",
			"Streams that were ended because of a limit, by the limit."), []string{"limit"}),
		moduleRequests: prometheus.NewCounterVec(counter("module_requests_total",
			"Requests for modules, by HTTP status."), []string{"code"}),
		moduleBytes: prometheus.NewCounter(counter("module_bytes_total", "Bytes of modules sent to Envoys.")),
		snapshotChanges: prometheus.NewCounter(counter("snapshot_changes_total",
			"Snapshots published that differ from the one before.")),
		bundleFailures: prometheus.NewCounterVec(counter("bundle_failures_total",
			"Looks at bundles in registries that failed, or found one that is not taken, by the error's code."), []string{"code"}),
		hotLoad: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "wasm_xds_hot_load_seconds",
			Help:    "From a changed spec seen to the new revision live, for each Envoy.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}, []string{"variant"}),
		resolve: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "wasm_xds_resolve_seconds",
			Help:    "Time to read or fetch and check a module, by outcome.",
			Buckets: []float64{.001, .005, .01, .05, .1, .5, 1, 5, 10, 60},
		}, []string{"outcome"}),
		preflightRefusals: prometheus.NewCounterVec(counter("preflight_refusals_total",
			"Filters that the sandbox found unfit, by the code of the error."), []string{"code"}),
		preflightKnown: prometheus.NewCounter(counter("preflight_cache_hits_total",
			"Filters that the sandbox had judged before.")),
		preflight: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "wasm_xds_preflight_seconds",
			Help:    "Time to try a filter in the sandbox, its tests included, by outcome.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"outcome"}),
	}
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "wasm_xds_build_info", Help: "Always 1; the labels say what runs.",
	}, []string{"version", "go"})
	build.WithLabelValues(version, runtime.Version()).Set(1)
	m.registry.MustRegister(m.rejections, m.pushes, m.pushedBytes, m.acks, m.nacks, m.streams, m.refusedStreams, m.visits, m.moduleRequests,
		m.moduleBytes, m.snapshotChanges, m.bundleFailures, m.hotLoad, m.resolve,
		m.preflightRefusals, m.preflightKnown, m.preflight, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.startAtZero()
	return m
}

// startAtZero makes the series exist before the first event, for the sake of rates.
func (m *Metrics) startAtZero() {
	for _, variant := range []string{"remote", "inline", "file", "passthrough", "deny"} {
		m.pushes.WithLabelValues(variant)
		m.pushedBytes.WithLabelValues(variant)
	}
	for _, kind := range []api.NackKind{api.NackNotCached, api.NackRejected, api.NackType, api.NackShared, api.NackOther} {
		m.nacks.WithLabelValues(string(kind))
	}
	for _, limit := range []string{"names", "names_per_stream", "streams", "streams_per_node", "request_size", "node_size"} {
		m.refusedStreams.WithLabelValues(limit)
	}
	for _, mode := range []string{"ads-delta", "ads-sotw", "ecds-delta", "ecds-sotw"} {
		m.streams.WithLabelValues(mode)
	}
}

// Preflighted records how long the sandbox took for a filter. code is the code of the first error;
// "": no error.
func (m *Metrics) Preflighted(code string, d time.Duration) {
	if m == nil {
		return
	}
	if code == "" {
		m.preflight.WithLabelValues("ok").Observe(d.Seconds())
		return
	}
	m.preflight.WithLabelValues("refused").Observe(d.Seconds())
	m.preflightRefusals.WithLabelValues(code).Inc()
}

// PreflightKnown counts a filter that the sandbox need not try again.
func (m *Metrics) PreflightKnown() {
	if m != nil {
		m.preflightKnown.Inc()
	}
}

// Registry has the metrics that [Handler] serves under /metrics.
func (m *Metrics) Registry() *prometheus.Registry { return m.registry }

// Watch adds the gauges that are read from s on each scrape.
func (m *Metrics) Watch(s State) error { return m.registry.Register(stateCollector{s}) }

// Pushed counts n resources with that many bytes in total, which were sent to an Envoy.
func (m *Metrics) Pushed(variant string, n, bytes int) {
	if m != nil {
		m.pushes.WithLabelValues(variant).Add(float64(n))
		m.pushedBytes.WithLabelValues(variant).Add(float64(bytes))
	}
}

// Acked counts n resources that an Envoy accepted.
func (m *Metrics) Acked(n int) {
	if m != nil {
		m.acks.Add(float64(n))
	}
}

// Nacked counts a resource that an Envoy refused.
func (m *Metrics) Nacked(kind api.NackKind) {
	if m != nil {
		m.nacks.WithLabelValues(string(kind)).Inc()
	}
}

// BundleFailed counts a failed check of a bundle; code is the error's.
func (m *Metrics) BundleFailed(code string) {
	if m != nil {
		m.bundleFailures.WithLabelValues(code).Inc()
	}
}

// StreamOpened counts a new stream; mode is as in [api.Node].
func (m *Metrics) StreamOpened(mode string) {
	if m != nil {
		m.streams.WithLabelValues(mode).Inc()
	}
}

// StreamClosed counts the end of a stream with the same mode.
func (m *Metrics) StreamClosed(mode string) {
	if m != nil {
		m.streams.WithLabelValues(mode).Dec()
	}
}

// StreamRefused counts a stream that was ended because of a limit.
func (m *Metrics) StreamRefused(limit string) {
	if m != nil {
		m.refusedStreams.WithLabelValues(limit).Inc()
	}
}

// Visited counts a connection that began with another protocol than its port speaks.
func (m *Metrics) Visited(port, speaks string) {
	if m != nil {
		m.visits.WithLabelValues(port, speaks).Inc()
	}
}

// ModuleServed counts a request for a module: its HTTP status and the bytes sent.
func (m *Metrics) ModuleServed(code int, bytes int64) {
	if m != nil {
		m.moduleRequests.WithLabelValues(strconv.Itoa(code)).Inc()
		m.moduleBytes.Add(float64(max(bytes, 0)))
	}
}

// SnapshotChanged counts a snapshot that differs from the one before.
func (m *Metrics) SnapshotChanged() {
	if m != nil {
		m.snapshotChanges.Inc()
	}
}

// HotLoaded records the time from the sight of a spec until an Envoy runs the new revision.
func (m *Metrics) HotLoaded(variant string, d time.Duration) {
	if m != nil {
		m.hotLoad.WithLabelValues(variant).Observe(d.Seconds())
	}
}

// Resolved records how long a module took to be read or fetched, and whether this succeeded.
func (m *Metrics) Resolved(ok bool, d time.Duration) {
	if m == nil {
		return
	}
	outcome := "ok"
	if !ok {
		outcome = "error"
	}
	m.resolve.WithLabelValues(outcome).Observe(d.Seconds())
}
