package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// outcomes counts how edits end. Any goroutine may call the methods.
type outcomes struct {
	convergence       prometheus.Histogram
	filterConvergence *prometheus.GaugeVec
	converged         filterNames // the names in filterConvergence
	rollouts          *prometheus.CounterVec
	overdue           prometheus.Counter
	refusals          *prometheus.CounterVec
	saves             *prometheus.CounterVec
}

func newOutcomes() *outcomes {
	o := &outcomes{
		convergence: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "wasm_xds_convergence_seconds",
			Help:    "From a changed spec seen to the new revision live on the last Envoy, for each revision.",
			Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600, 14400},
		}),
		filterConvergence: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "wasm_xds_filter_convergence_seconds",
			Help: "The same for the last revision of each filter.",
		}, []string{"filter"}),
		rollouts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "wasm_xds_rollouts_total", Help: "Rollouts that have ended, by outcome.",
		}, []string{"outcome"}),
		overdue: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "wasm_xds_rollouts_overdue_total", Help: "Waves of rollouts that took longer than their deadline.",
		}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "wasm_xds_refusals_total", Help: "Contents of filters that are not served, by cause.",
		}, []string{"cause"}),
	}
	o.saves = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "wasm_xds_state_saves_total", Help: "Saves of the state to the disk, by outcome.",
	}, []string{"outcome"})
	for _, outcome := range []string{"ok", "failed"} {
		o.saves.WithLabelValues(outcome)
	}
	for _, outcome := range []string{"live", "refused", "lost", "superseded", "went_back"} {
		o.rollouts.WithLabelValues(outcome)
	}
	for _, cause := range []api.Cause{api.CauseSpec, api.CauseModule, api.CauseSandbox, api.CauseEnvoy, api.CauseLost, api.CauseHealth} {
		o.refusals.WithLabelValues(string(cause))
	}
	return o
}

func (o *outcomes) register(r *prometheus.Registry) {
	r.MustRegister(o.convergence, o.filterConvergence, o.rollouts, o.overdue, o.refusals, o.saves)
}

// StateSaved counts a save of the state.
func (o *outcomes) StateSaved(ok bool) {
	outcome := "failed"
	if ok {
		outcome = "ok"
	}
	o.saves.WithLabelValues(outcome).Inc()
}

// Converged records the time from the sight of an edit until the last Envoy runs the revision.
func (o *outcomes) Converged(filter string, took time.Duration) {
	o.convergence.Observe(took.Seconds())
	o.filterConvergence.WithLabelValues(o.converged.label(filter)).Set(took.Seconds())
}

// RolloutEnded counts a rollout by its outcome.
func (o *outcomes) RolloutEnded(outcome string) { o.rollouts.WithLabelValues(outcome).Inc() }

// RolloutOverdue counts a wave that takes longer than its deadline.
func (o *outcomes) RolloutOverdue() { o.overdue.Inc() }

// Refused counts a content of a filter that is not served.
func (o *outcomes) Refused(cause api.Cause) { o.refusals.WithLabelValues(string(cause)).Inc() }

// forget ends the series of a filter.
func (o *outcomes) forget(filter string) {
	o.converged.forget(filter, func() { o.filterConvergence.DeleteLabelValues(filter) })
}
