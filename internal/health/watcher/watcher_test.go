package watcher_test

import (
	"context"
	"slices"
	"sync"
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
	mu     sync.Mutex
	trials []health.Trial
	looks  []api.RolloutHealth
}

func (c *control) Trials() []health.Trial {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.trials)
}

func (c *control) Looked(_ *health.Trial, look api.RolloutHealth) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.looks = append(c.looks, look)
}

// set begins a wave in place of all others.
func (c *control) set(t health.Trial) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trials = []health.Trial{t}
}

// last returns how many looks there were, and the outcome of the last.
func (c *control) last() (int, api.HealthOutcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.looks) == 0 {
		return 0, ""
	}
	return len(c.looks), c.looks[len(c.looks)-1].Outcome
}

type asker struct {
	mu     sync.Mutex
	asked  []time.Duration // since the begin
	began  time.Time
	took   time.Duration
	answer health.Answer
	about  prometheus.Variables
}

func (a *asker) Ask(ctx context.Context, _ spec.PrometheusLimit, v prometheus.Variables) health.Answer {
	a.mu.Lock()
	a.asked, a.about = append(a.asked, time.Since(a.began)), v
	took := a.took
	a.mu.Unlock()
	select {
	case <-time.After(took):
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

// TestRun shows each wave is looked at every second, that its Prometheus server is asked at
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
		if n, _ := c.last(); n > 0 {
			t.Fatal("a look without a rollout")
		}
		wave := health.Trial{Filter: "auth", Revision: "b", Limits: limits, Canary: one("a"), Stable: one("b"), Began: time.Now()}
		c.set(wave)
		time.Sleep(time.Second)
		if _, outcome := c.last(); outcome != api.HealthNoEvidence {
			t.Errorf("after a second: %v", outcome)
		}
		time.Sleep(20 * time.Second)
		if n, outcome := c.last(); n != 21 || outcome != api.HealthGood {
			t.Errorf("after %d looks: %v", n, outcome)
		}
		a.mu.Lock()
		if want := []time.Duration{4 * time.Second, 9 * time.Second, 14 * time.Second, 19 * time.Second, 24 * time.Second}; !slices.Equal(a.asked, want) {
			t.Errorf("asked after %v", a.asked)
		}
		if !slices.Equal(a.about.Canaries, []string{"a"}) || !slices.Equal(a.about.Stable, []string{"b"}) {
			t.Errorf("asked about %v", a.about)
		}
		a.took = time.Hour // a question under way ends with the watcher
		a.mu.Unlock()
		wave.Wave++
		c.set(wave)
		time.Sleep(time.Second)
		if _, outcome := c.last(); outcome != api.HealthNoEvidence {
			t.Errorf("the next wave begins with %v", outcome)
		}
		time.Sleep(10 * time.Second)
		cancel()
		<-done
	})
}
