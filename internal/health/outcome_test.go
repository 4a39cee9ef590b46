package health_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/health"
	"github.com/wasm-xds/wasm-xds/internal/signal"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// steady returns the figures of an Envoy in a second with that many requests of 2 ms.
func steady(requests uint64, change func(*signal.Figures)) (f health.Figures) {
	one := signal.Figures{Requests: requests, Memory: 50 << 20}
	one.Time.Observe(2, requests)
	if change != nil {
		change(&one)
	}
	f.Add(&one)
	return f
}

// times returns the figures of that many equal stretches.
func times(f health.Figures, n uint64) health.Figures {
	all := health.Figures{Envoys: f.Envoys}
	for range n {
		all.Sum.Add(&f.Sum)
	}
	return all
}

// TestOutcomes lists the outcomes of a look after ten seconds.
func TestOutcomes(t *testing.T) {
	plain := steady(50, nil)
	failing := steady(50, func(f *signal.Figures) { f.Errors5xx = 10 })
	for name, test := range map[string]struct {
		change         func(*spec.Health)
		filter         spec.Type
		canary, stable health.Figures // no Envoys: none is there
		answers        []health.Answer
		lost           string
		want           api.HealthOutcome
		says           string
	}{
		"alike":                           {canary: plain, stable: plain, want: api.HealthGood, says: "500 requests"},
		"no requests":                     {canary: steady(0, nil), stable: plain, want: api.HealthNoEvidence, says: "0 requests, and 100 are needed"},
		"few requests":                    {canary: steady(9, nil), stable: plain, want: api.HealthNoEvidence, says: "90 requests"},
		"few on the stable side":          {canary: plain, stable: steady(9, nil), want: api.HealthNoEvidence, says: "each side"},
		"nobody to compare with":          {canary: plain, want: api.HealthGood, says: "need no other Envoy"},
		"failing, nobody to compare with": {canary: failing, want: api.HealthGood, says: "need no other Envoy"},
		"failing beyond an absolute limit": {
			change: func(h *spec.Health) { h.Errors.Max = 0.05 },
			canary: failing, want: api.HealthBad, says: "5xx: 20.0% of 500 requests",
		},
		"failing":          {canary: failing, stable: plain, want: api.HealthBad, says: "5xx: 20.0% of 500 requests"},
		"both are failing": {canary: failing, stable: failing, want: api.HealthGood},
		"errors are off": {
			change: func(h *spec.Health) { h.Errors.Off = true },
			canary: failing, stable: plain, want: api.HealthGood,
		},
		"slow": {
			canary: steady(50, func(f *signal.Figures) { f.Time = signal.Histogram{}; f.Time.Observe(22, 50) }), stable: plain,
			want: api.HealthBad, says: "p50: 2",
		},
		"within the limit for times": {
			canary: steady(50, func(f *signal.Figures) { f.Time = signal.Histogram{}; f.Time.Observe(9, 50) }), stable: plain,
			want: api.HealthGood,
		},
		"beyond an absolute limit for times": {
			change: func(h *spec.Health) {
				h.P50 = spec.DelayLimit{Over: spec.NoDelayLimit, Max: time.Millisecond, Named: true}
			},
			canary: plain, stable: plain, want: api.HealthBad, says: "at most 1.0 ms",
		},
		"p99 has too few requests": {
			change: func(h *spec.Health) { h.P99.Named = true },
			canary: plain, stable: plain, want: api.HealthNoEvidence, says: "too few",
		},
		"one trap": {canary: steady(0, func(f *signal.Figures) { f.Traps = 1 }), want: api.HealthBad, says: "trapped"},
		"the others trap, too": {
			canary: steady(50, func(f *signal.Figures) { f.Traps = 1 }), stable: steady(50, func(f *signal.Figures) { f.Traps = 1 }), want: api.HealthGood,
		},
		"the others trap less": {
			canary: steady(50, func(f *signal.Figures) { f.Traps = 9 }), stable: steady(50, func(f *signal.Figures) { f.Traps = 1 }), want: api.HealthBad, says: "90 requests failed",
		},
		"traps are allowed":       {change: func(h *spec.Health) { h.Traps.Max = 10 }, canary: steady(50, func(f *signal.Figures) { f.Traps = 1 }), stable: plain, want: api.HealthGood},
		"passed by":               {canary: steady(50, func(f *signal.Figures) { f.Bypassed = 1 }), stable: plain, want: api.HealthBad, says: "without the filter"},
		"source lost":             {canary: plain, stable: plain, lost: "edge-1 does not report", want: api.HealthSourceLost, says: "edge-1"},
		"bad and lost":            {canary: failing, stable: plain, lost: "edge-1 does not report", want: api.HealthBad, says: "5xx"},
		"a network filter":        {filter: spec.Network, canary: steady(0, nil), stable: steady(0, nil), want: api.HealthGood},
		"a network filter's trap": {filter: spec.Network, canary: steady(0, func(f *signal.Figures) { f.Traps = 2 }), want: api.HealthBad, says: "trapped"},
		"metric as a number": {
			change: func(h *spec.Health) { h.Metrics = map[string]spec.MetricLimit{"odd": {Count: 5}} },
			canary: steady(50, func(f *signal.Figures) { f.Custom = map[string]uint64{"odd": 1} }), stable: plain,
			want: api.HealthBad, says: "metric:odd: 10 counted by the filter",
		},
		"metric as a share": {
			change: func(h *spec.Health) { h.Metrics = map[string]spec.MetricLimit{"odd": {IsShare: true, Share: 0.05}} },
			canary: steady(50, func(f *signal.Figures) { f.Custom = map[string]uint64{"odd": 20} }), stable: plain,
			want: api.HealthBad, says: "40.0% of 500 requests",
		},
		"metric within its share": {
			change: func(h *spec.Health) { h.Metrics = map[string]spec.MetricLimit{"odd": {IsShare: true, Share: 0.05}} },
			canary: steady(50, func(f *signal.Figures) { f.Custom = map[string]uint64{"odd": 1} }), stable: plain,
			want: api.HealthGood,
		},
		"prometheus was not asked":    {change: asks, canary: plain, stable: plain, want: api.HealthNoEvidence, says: "not been asked"},
		"prometheus is down":          {change: asks, canary: plain, stable: plain, answers: []health.Answer{{Err: "connection refused"}}, want: api.HealthSourceLost, says: "refused"},
		"prometheus has no sample":    {change: asks, canary: plain, stable: plain, answers: []health.Answer{{}}, want: api.HealthNoEvidence, says: "no sample"},
		"prometheus has no number":    {change: asks, canary: plain, stable: plain, answers: []health.Answer{{Samples: []float64{math.NaN()}}}, want: api.HealthNoEvidence, says: "no sample"},
		"prometheus is within":        {change: asks, canary: plain, stable: plain, answers: []health.Answer{{Samples: []float64{0.1, 0.5}}}, want: api.HealthGood},
		"prometheus is beyond once":   {change: asks, canary: plain, stable: plain, answers: []health.Answer{{Samples: []float64{0.7}}}, want: api.HealthNoEvidence, says: "once more"},
		"prometheus is beyond":        {change: asks, canary: plain, stable: plain, answers: []health.Answer{{Samples: []float64{0.7}}, {Samples: []float64{0.1, 0.6}}}, want: api.HealthBad, says: "gives 0.6"},
		"prometheus was beyond":       {change: asks, canary: plain, stable: plain, answers: []health.Answer{{Samples: []float64{0.7}}, {Samples: []float64{0.1}}, {Samples: []float64{0.7}}}, want: api.HealthNoEvidence},
		"prometheus beyond, an error": {change: asks, canary: plain, stable: plain, answers: []health.Answer{{Samples: []float64{0.7}}, {Err: "timeout"}, {Samples: []float64{0.7}}}, want: api.HealthBad},
	} {
		t.Run(name, func(t *testing.T) {
			limits := spec.DefaultHealth()
			if test.change != nil {
				test.change(&limits)
			}
			j := health.New(limits, test.filter, spec.Open)
			for n := range uint64(10) {
				var groups []health.Group
				j.Events(times(test.canary, n+1), times(test.stable, n+1))
				if test.stable.Envoys > 0 {
					groups = []health.Group{{Key: "a", Name: "Envoy 1.40.0", Canary: test.canary, Stable: test.stable}}
				}
				j.Add(test.canary, groups)
			}
			for _, a := range test.answers {
				j.Answer(a)
			}
			look := j.Look(time.Time{}, test.lost)
			if look.Outcome != test.want || !strings.Contains(look.Message, test.says) || look.Message == "" {
				t.Errorf("the outcome is %q: %s", look.Outcome, look.Message)
			}
			if look.Outcome == api.HealthBad && len(look.Comparisons) == 0 {
				t.Error("no comparison")
			}
		})
	}
}

func asks(h *spec.Health) { h.Prometheus = &spec.PrometheusLimit{Max: 0.5} }

// TestFirstSeconds shows there is no evidence before the first look, except for events of
// which a single one counts.
func TestFirstSeconds(t *testing.T) {
	j := health.New(spec.DefaultHealth(), spec.HTTP, spec.Open)
	if look := j.Look(time.Time{}, ""); look.Outcome != api.HealthNoEvidence {
		t.Errorf("without figures: %v", look)
	}
	good, bad := steady(1000, nil), steady(1000, func(f *signal.Figures) { f.Errors5xx = 1000 })
	for n := 1; n <= 2; n++ {
		j.Add(bad, []health.Group{{Canary: bad, Stable: good}})
		if look := j.Look(time.Time{}, ""); look.Outcome != api.HealthNoEvidence {
			t.Errorf("after %d s: %v", n, look)
		}
	}
	trapped := steady(10, func(f *signal.Figures) { f.Traps = 1 })
	j.Events(trapped, good)
	if look := j.Look(time.Time{}, ""); look.Outcome != api.HealthBad || !strings.Contains(look.Message, "trapped") {
		t.Errorf("after a trap: %v", look)
	}
}

// TestALongWave shows the memory of a judge is bounded, and that nothing gets lost when its
// stretches are joined.
func TestALongWave(t *testing.T) {
	j := health.New(spec.DefaultHealth(), spec.HTTP, spec.Open)
	plain := steady(10, nil)
	for range 5000 {
		j.Add(plain, []health.Group{{Canary: plain, Stable: plain}})
	}
	if look := j.Look(time.Time{}, ""); look.Outcome != api.HealthGood || !strings.Contains(look.Message, "50,000 requests") {
		t.Errorf("%v", look)
	}
}

// TestFewErrorsAreNoEvidence shows that three errors, evenly spread over three stretches, refuse no
// revision, and that the look says so.
func TestFewErrorsAreNoEvidence(t *testing.T) {
	j := health.New(spec.DefaultHealth(), spec.HTTP, spec.Closed)
	good, odd := steady(40, nil), steady(40, func(f *signal.Figures) { f.Errors5xx = 1 })
	for range 3 {
		j.Add(odd, []health.Group{{Canary: odd, Stable: good}})
	}
	if look := j.Look(time.Time{}, ""); look.Outcome != api.HealthNoEvidence || !strings.Contains(look.Message, "can still be chance") {
		t.Errorf("%s: %s", look.Outcome, look.Message)
	}
}
