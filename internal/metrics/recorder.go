package metrics

import (
	"net/http"
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/signal"
)

// Recorder counts events. Any goroutine may call the methods.
type Recorder struct {
	registry *prometheus.Registry
	*outcomes
	*webhooks
	*spans

	pushes, pushedBytes *prometheus.CounterVec
	acks                prometheus.Counter
	nacks               *prometheus.CounterVec
	rejections          *prometheus.CounterVec
	rejected            filterNames // the names in rejections
	streams             *prometheus.GaugeVec
	refusedStreams      *prometheus.CounterVec
	visits              *prometheus.CounterVec
	claims              *prometheus.CounterVec
	moduleRequests      *prometheus.CounterVec
	moduleBytes         prometheus.Counter
	peerModules         *prometheus.CounterVec
	snapshotChanges     prometheus.Counter
	bundleFailures      *prometheus.CounterVec
	hotLoad, resolve    *prometheus.HistogramVec
	preflightRefusals   *prometheus.CounterVec
	preflightKnown      prometheus.Counter
	preflight           *prometheus.HistogramVec
}

// New returns metrics at zero, with a registry of their own. version is the value of a label of
// wasm_xds_build_info.
func New(version string) *Recorder {
	counter := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Name: "wasm_xds_" + name, Help: help}
	}
	r := &Recorder{
		registry: prometheus.NewRegistry(),
		outcomes: newOutcomes(),
		webhooks: newWebhooks(),
		spans:    newSpans(),
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
			"Connections that began with another protocol than their port speaks, failed in their TLS handshake, or sent an unknown token."), []string{"port", "speaks"}),
		claims: prometheus.NewCounterVec(counter("identity_refusals_total",
			"Claims of clients that their certificates do not cover, by what was claimed: node, cluster, filter or module."), []string{"claim"}),
		refusedStreams: prometheus.NewCounterVec(counter("limit_refusals_total",
			"Streams and connections that were ended because of a limit, by the limit."), []string{"limit"}),
		moduleRequests: prometheus.NewCounterVec(counter("module_requests_total",
			"Requests for modules, by HTTP status."), []string{"code"}),
		peerModules: prometheus.NewCounterVec(counter("peer_modules_total",
			"Questions for modules to other replicas, by outcome."), []string{"outcome"}),
		moduleBytes: prometheus.NewCounter(counter("module_bytes_total", "Bytes of modules sent to Envoys.")),
		snapshotChanges: prometheus.NewCounter(counter("snapshot_changes_total",
			"Snapshots published that differ from the one before.")),
		bundleFailures: prometheus.NewCounterVec(counter("bundle_failures_total",
			"Looks at bundles in registries and etcd that failed, or found one that is not taken, by the error's code."), []string{"code"}),
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
	r.registry.MustRegister(r.rejections, r.pushes, r.pushedBytes, r.acks, r.nacks, r.streams, r.refusedStreams, r.visits, r.claims, r.moduleRequests,
		r.moduleBytes, r.peerModules, r.snapshotChanges, r.bundleFailures, r.hotLoad, r.resolve,
		r.preflightRefusals, r.preflightKnown, r.preflight, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	r.outcomes.register(r.registry)
	r.webhooks.register(r.registry)
	r.registry.MustRegister(r.spans.all)
	r.startAtZero()
	return r
}

// startAtZero makes the series exist before the first event, for the sake of rates.
func (r *Recorder) startAtZero() {
	for _, variant := range []string{"remote", "inline", "file", "passthrough", "deny"} {
		r.pushes.WithLabelValues(variant)
		r.pushedBytes.WithLabelValues(variant)
	}
	for _, kind := range []api.NackKind{api.NackNotCached, api.NackRejected, api.NackType, api.NackShared, api.NackOther} {
		r.nacks.WithLabelValues(string(kind))
	}
	for _, limit := range []string{"names", "names_per_stream", "streams", "streams_per_node", "request_size", "node_size"} {
		r.refusedStreams.WithLabelValues(limit)
	}
	for _, outcome := range []string{"taken", "missing", "failed"} {
		r.peerModules.WithLabelValues(outcome)
	}
	for _, claim := range []string{"node", "cluster", "filter", "module"} {
		r.claims.WithLabelValues(claim)
	}
	for _, mode := range []string{"ads-delta", "ads-sotw", "ecds-delta", "ecds-sotw"} {
		r.streams.WithLabelValues(mode)
	}
}

// Preflighted records how long the sandbox took for a filter. code is the code of the first error;
// "": no error.
func (r *Recorder) Preflighted(code string, d time.Duration) {
	if code == "" {
		r.preflight.WithLabelValues("ok").Observe(d.Seconds())
		return
	}
	r.preflight.WithLabelValues("refused").Observe(d.Seconds())
	r.preflightRefusals.WithLabelValues(code).Inc()
}

// PreflightKnown counts a filter that the sandbox need not try again.
func (r *Recorder) PreflightKnown() {
	r.preflightKnown.Inc()
}

// Watch adds the gauges that are read from s on each scrape.
func (r *Recorder) Watch(s State) error { return r.registry.Register(stateCollector{s}) }

// WatchWaiting adds the gauge of streams that wait for their turn.
func (r *Recorder) WatchWaiting(waiting func() int) {
	r.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "wasm_xds_waiting_streams", Help: "New xDS streams that wait because many come at once (--connect-rate).",
	}, func() float64 { return float64(waiting()) }))
}

// Handler serves the metrics in Prometheus' text format. logger gets the errors of a scrape.
func (r *Recorder) Handler(logger *zap.Logger) http.Handler {
	return promhttp.HandlerFor(r.registry, promhttp.HandlerOpts{ErrorLog: zap.NewStdLog(logger)})
}

// Pushed counts n resources with that many bytes in total, which were sent to an Envoy.
func (r *Recorder) Pushed(variant string, n, bytes int) {
	r.pushes.WithLabelValues(variant).Add(float64(n))
	r.pushedBytes.WithLabelValues(variant).Add(float64(bytes))
}

// Acked counts n resources that an Envoy accepted.
func (r *Recorder) Acked(n int) {
	r.acks.Add(float64(n))
}

// Nacked counts a resource that an Envoy refused.
func (r *Recorder) Nacked(kind api.NackKind) {
	r.nacks.WithLabelValues(string(kind)).Inc()
}

// BundleFailed counts a failed check of a bundle; code is the error's.
func (r *Recorder) BundleFailed(code string) {
	r.bundleFailures.WithLabelValues(code).Inc()
}

// StreamOpened counts a new stream; mode is as in [api.Node].
func (r *Recorder) StreamOpened(mode string) {
	r.streams.WithLabelValues(mode).Inc()
}

// StreamClosed counts the end of a stream with the same mode.
func (r *Recorder) StreamClosed(mode string) {
	r.streams.WithLabelValues(mode).Dec()
}

// StreamRefused counts a stream that was ended because of a limit.
func (r *Recorder) StreamRefused(limit string) {
	r.refusedStreams.WithLabelValues(limit).Inc()
}

// Visited counts a connection that began with another protocol than its port speaks.
func (r *Recorder) Visited(port, speaks string) {
	r.visits.WithLabelValues(port, speaks).Inc()
}

// ClaimRefused counts a claim that the certificate of a client does not cover; claim is as in
// [api.ClaimRefusal].
func (r *Recorder) ClaimRefused(claim string) {
	r.claims.WithLabelValues(claim).Inc()
}

// ModuleServed counts a request for a module: its HTTP status and the bytes sent.
func (r *Recorder) ModuleServed(code int, bytes int64) {
	r.moduleRequests.WithLabelValues(strconv.Itoa(code)).Inc()
	r.moduleBytes.Add(float64(max(bytes, 0)))
}

// SnapshotChanged counts a snapshot that differs from the one before.
func (r *Recorder) SnapshotChanged() {
	r.snapshotChanges.Inc()
}

// HotLoaded records the time from the sight of a spec until an Envoy runs the new revision.
func (r *Recorder) HotLoaded(variant string, d time.Duration) {
	r.hotLoad.WithLabelValues(variant).Observe(d.Seconds())
}

// Resolved records how long a module took to be read or fetched, and whether this succeeded.
func (r *Recorder) Resolved(ok bool, d time.Duration) {
	outcome := "ok"
	if !ok {
		outcome = "error"
	}
	r.resolve.WithLabelValues(outcome).Observe(d.Seconds())
}

// FilterRejected counts a revision of the filter that an Envoy refused. "" is a name without a
// spec.
func (r *Recorder) FilterRejected(name string) {
	r.rejections.WithLabelValues(r.rejected.label(name)).Inc()
}

// FilterForgotten ends the series of a forgotten filter.
func (r *Recorder) FilterForgotten(name string) {
	r.rejected.forget(name, func() { r.rejections.DeleteLabelValues(name) })
	r.outcomes.forget(name)
}

// WatchCertificates shows the certificates of the ports that speak TLS. Any goroutine may call the
// function.
func (r *Recorder) WatchCertificates(certificates func() []api.Certificate) {
	r.registry.MustRegister(certificateCollector{certificates})
}

// WatchWebhooks shows how the receivers of messages are. Any goroutine may call the function.
func (r *Recorder) WatchWebhooks(state func() []api.Webhook) {
	for _, one := range state() {
		r.webhooks.start(one.Receiver)
	}
	r.registry.MustRegister(webhookCollector{state})
}

// WatchReports shows which Envoys report. Any goroutine may call the function.
func (r *Recorder) WatchReports(totals func(time.Time) signal.Totals) {
	r.registry.MustRegister(reportsCollector{totals})
}

// WatchIdentity shows whether the rules of --node-identity-rules are the newest. Any goroutine may
// call the function.
func (r *Recorder) WatchIdentity(identity func() api.Identity) {
	r.registry.MustRegister(badFileCollector{descIdentityRulesError, func() bool { return identity().Error != nil }})
}

// WatchTokens shows whether the tokens of --admin-token-file are the newest. Any goroutine may call
// the function.
func (r *Recorder) WatchTokens(tokens func() api.Tokens) {
	r.registry.MustRegister(badFileCollector{descTokenFileError, func() bool { return tokens().Error != nil }})
}
