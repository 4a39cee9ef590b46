package watcher_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/health"
	"github.com/wasm-xds/wasm-xds/internal/health/prometheus"
	"github.com/wasm-xds/wasm-xds/internal/health/watcher"
	"github.com/wasm-xds/wasm-xds/internal/signal"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

type control struct {
	trials []health.Trial
	looks  []api.RolloutHealth
}

func (c *control) Trials() []health.Trial                         { return c.trials }
func (c *control) Looked(_ *health.Trial, look api.RolloutHealth) { c.looks = append(c.looks, look) }

// last returns the outcome of the last look.
func (c *control) last() api.HealthOutcome { return c.looks[len(c.looks)-1].Outcome }

type asker struct {
	asked  []time.Duration // since the begin
	began  time.Time
	took   time.Duration
	answer health.Answer
	about  prometheus.Variables
}

func (a *asker) Ask(ctx context.Context, _ spec.PrometheusLimit, v prometheus.Variables) health.Answer {
	a.asked, a.about = append(a.asked, time.Since(a.began)), v
	select {
	case <-time.After(a.took):
		return a.answer
	case <-ctx.Done():
		return health.Answer{Err: "the end"}
	}
}

// alike is a fleet that reports a hundred requests a second.
type alike struct{}

func (alike) Between(_ signal.Key, _ string, from, to time.Time) (f signal.Figures, ok bool) {
	f.Requests = uint64(100 * to.Sub(from) / time.Second)
	f.Time.Observe(2, f.Requests)
	return f, to.After(from)
}

func (alike) State(_ signal.Key, now time.Time) (signal.State, time.Time) {
	return signal.Reporting, now
}

// TestRun shows that each wave is looked at every second, that its Prometheus server is asked at
// its own pace, and that a new wave begins anew.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		limits := spec.DefaultHealth()
		limits.Prometheus = &spec.PrometheusLimit{Max: 1}
		one := func(node string) []health.Envoy {
			return []health.Envoy{{Key: signal.Key{Node: node}, Since: time.Now().Add(-time.Hour)}}
		}
		c := &control{}
		a := &asker{began: time.Now(), took: 2 * time.Second, answer: health.Answer{Samples: []float64{0.5}}}
		done := make(chan struct{})
		go func() {
			defer close(done)
			watcher.New(c, alike{}, a).Run(ctx)
		}()
		time.Sleep(3500 * time.Millisecond)
		if len(c.looks) > 0 {
			t.Fatal("a look without a rollout")
		}
		c.trials = []health.Trial{{Filter: "auth", Revision: "b", Limits: limits, Canary: one("a"), Stable: one("b"), Began: time.Now()}}
		time.Sleep(time.Second)
		if c.last() != api.HealthNoEvidence {
			t.Errorf("after a second: %v", c.looks)
		}
		time.Sleep(20 * time.Second)
		if len(c.looks) != 21 || c.last() != api.HealthGood {
			t.Errorf("after %d looks: %v", len(c.looks), c.last())
		}
		if want := []time.Duration{4 * time.Second, 9 * time.Second, 14 * time.Second, 19 * time.Second, 24 * time.Second}; !slices.Equal(a.asked, want) {
			t.Errorf("asked after %v", a.asked)
		}
		if !slices.Equal(a.about.Canaries, []string{"a"}) || !slices.Equal(a.about.Stable, []string{"b"}) {
			t.Errorf("asked about %v", a.about)
		}
		c.trials[0].Wave++
		time.Sleep(time.Second)
		if c.last() != api.HealthNoEvidence {
			t.Errorf("the next wave begins with %v", c.last())
		}
		a.took = time.Hour // a question under way ends with the watcher
		time.Sleep(10 * time.Second)
		cancel()
		<-done
	})
}
