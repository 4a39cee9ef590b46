// Package watcher looks at the health of all rollouts under way: it asks the control which Envoys
// run which revision, reads their reports, asks the Prometheus servers that specs name, and hands
// the outcomes back. The decisions are those of package health.
package watcher

import (
	"context"
	"sync"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/health"
	"github.com/wasm-xds/wasm-xds/internal/health/prometheus"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

const (
	// lookEvery is the time between two looks. Envoys report a failed request within a second, and
	// a look costs microseconds for each Envoy.
	lookEvery = time.Second
	// askEvery is the time between two questions to the Prometheus server of a spec. Servers scrape
	// every ten seconds or more, so a faster question would get the same answer.
	askEvery = 5 * time.Second
)

// Control knows the rollouts under way.
type Control interface {
	// Trials returns the waves under way of all rollouts with `health` in the spec.
	Trials() []health.Trial
	// Looked takes the outcome of a look.
	Looked(t *health.Trial, look api.RolloutHealth)
}

// Asker asks a Prometheus server.
type Asker interface {
	Ask(ctx context.Context, limit spec.PrometheusLimit, v prometheus.Variables) health.Answer
}

// Watcher looks at the health of rollouts. Make it with [New].
type Watcher struct {
	control Control
	reports health.Reports
	asker   Asker
	waves   map[string]*wave
	answers chan answer
	asking  sync.WaitGroup
}

// wave is a wave under way.
type wave struct {
	watch *health.Watch
	asked time.Time // zero: never
	busy  bool      // a question is under way
}

type answer struct {
	to     *wave
	answer health.Answer
}

// New returns a watcher.
func New(control Control, reports health.Reports, asker Asker) *Watcher {
	return &Watcher{control: control, reports: reports, asker: asker, waves: map[string]*wave{}, answers: make(chan answer)}
}

// Run looks until ctx ends. It returns after the end of all questions.
func (w *Watcher) Run(ctx context.Context) {
	defer w.asking.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case a := <-w.answers:
			a.to.busy = false
			a.to.watch.Answer(a.answer)
		case <-tick.C:
			w.look(ctx, time.Now())
		}
	}
}

// look looks at all waves under way, and forgets the others.
func (w *Watcher) look(ctx context.Context, now time.Time) {
	under := map[string]*wave{}
	for _, t := range w.control.Trials() {
		one := w.waves[t.Key()]
		if one == nil {
			one = &wave{watch: health.NewWatch(&t)}
		}
		under[t.Key()] = one
		w.ask(ctx, now, &t, one)
		w.control.Looked(&t, one.watch.Look(now, &t, w.reports))
	}
	w.waves = under
}

// ask begins a question to the wave's Prometheus server, if one is due.
func (w *Watcher) ask(ctx context.Context, now time.Time, t *health.Trial, one *wave) {
	limit := t.Limits.Prometheus
	if limit == nil || one.busy || now.Sub(one.asked) < askEvery {
		return
	}
	one.busy, one.asked = true, now
	v := prometheus.Variables{Filter: t.Filter, Revision: t.Revision, Canaries: nodes(t.Canary), Stable: nodes(t.Stable)}
	w.asking.Go(func() {
		a := w.asker.Ask(ctx, *limit, v)
		select {
		case w.answers <- answer{one, a}:
		case <-ctx.Done():
		}
	})
}

func nodes(envoys []health.Envoy) []string {
	ids := make([]string, len(envoys))
	for i, e := range envoys {
		ids[i] = e.Node
	}
	return ids
}
