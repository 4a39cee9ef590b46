package health_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/health"
	"github.com/wasm-xds/wasm-xds/internal/signal"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// traffic describes the requests of a side in a second.
type traffic struct {
	rate    int           // requests
	slow    float64       // median of the time in milliseconds
	delay   time.Duration // added by the filter
	errors  float64
	denials float64
	traps   uint64
	passed  uint64  // without the filter
	leak    float64 // bytes a second
	metric  float64 // share of requests that raise the counter auth_denied
	burst   float64 // chance of a second in which a tenth of all requests fail and all are slow
}

// side draws figures, second by second.
type side struct {
	traffic
	r      *rand.Rand
	memory float64
	wave   float64 // noise in the times of neighbouring seconds
}

func (s *side) next() (f health.Figures) {
	one := signal.Figures{Traps: s.traps, Bypassed: s.passed}
	s.wave = 0.8*s.wave + 0.1*s.r.NormFloat64()
	errors, slow := s.errors, s.slow*math.Exp(s.wave)
	if s.r.Float64() < s.burst {
		errors, slow = errors+0.1, slow*10
	}
	denied := uint64(0)
	for range s.rate*3/4 + s.r.IntN(1+s.rate/2) {
		one.Requests++
		switch draw := s.r.Float64(); {
		case draw < errors:
			one.Errors5xx++
		case draw < errors+s.denials:
			one.Denials4xx++
		}
		if s.r.Float64() < s.metric {
			denied++
		}
		one.Time.Observe(slow*math.Exp(0.5*s.r.NormFloat64())+float64(s.delay)/1e6, 1)
	}
	if denied > 0 {
		one.Custom = map[string]uint64{"auth_denied": denied}
	}
	s.memory += s.leak + 1e5*s.r.NormFloat64()
	one.MemoryPercent = uint64(20 + s.memory/(4<<20)) // of 400 MiB
	f.Add(&one)
	return f
}

// wave runs a wave of so many seconds, and returns the look after which the outcome was bad, or the
// last look.
func wave(seed uint64, limits spec.Health, seconds int, canary, stable traffic) (api.RolloutHealth, int) {
	r := rand.New(rand.NewPCG(seed, 17))
	a, b := &side{traffic: canary, r: r}, &side{traffic: stable, r: r}
	j := health.New(limits, spec.HTTP, spec.Open)
	var look api.RolloutHealth
	var total health.Figures
	for n := range seconds {
		c := a.next()
		total.Envoys = 1
		total.Sum.Add(&c.Sum)
		j.Events(total, health.Figures{})
		j.Add(c, []health.Group{{Key: "a", Name: "Envoy 1.40.0", Canary: c, Stable: b.next()}})
		if look = j.Look(time.Time{}, ""); look.Outcome == api.HealthBad {
			return look, n + 1
		}
	}
	return look, seconds
}

var usual = traffic{rate: 100, slow: 3, errors: 0.002, denials: 0.03, burst: 0.05, metric: 0.01}

// TestNoFalseAlarms runs rollouts of good revisions under noisy load: one in a hundred may be
// refused, and all of them are judged at last.
func TestNoFalseAlarms(t *testing.T) {
	const rollouts, waves = 200, 3
	refused, unsure := 0, 0
	for seed := range uint64(rollouts) {
		for n := range uint64(waves) {
			look, _ := wave(seed*waves+n, spec.DefaultHealth(), 30, usual, usual)
			switch look.Outcome {
			case api.HealthBad:
				refused++
				t.Logf("seed %d: %s", seed*waves+n, look.Message)
			case api.HealthNoEvidence:
				unsure++
			}
		}
	}
	if refused > rollouts/100 {
		t.Errorf("%d of %d rollouts of good revisions were refused", refused, rollouts)
	}
	if unsure > rollouts*waves/20 {
		t.Errorf("%d of %d waves of good revisions were not good after 30 s", unsure, rollouts*waves)
	}
}

// TestFaultsAreFound shows each fault is found within half a minute, whatever the noise, and
// that the reason names the figure.
func TestFaultsAreFound(t *testing.T) {
	const rounds = 40
	limits := spec.DefaultHealth()
	limits.Metrics = map[string]spec.MetricLimit{"auth_denied": {IsShare: true, Share: 0.05}}
	for name, test := range map[string]struct {
		fault  func(*traffic)
		within int // seconds
		reason string
	}{
		"traps on one request in fifty": {func(s *traffic) { s.traps = 2; s.errors += 0.02 }, 1, "trapped"},
		"passes requests by":            {func(s *traffic) { s.passed = 5 }, 1, "without the filter"},
		"adds 20 ms":                    {func(s *traffic) { s.delay = 20 * time.Millisecond }, 15, "p50"},
		"answers 500 to one path":       {func(s *traffic) { s.errors += 0.1 }, 30, "5xx"},
		"answers 500 to some":           {func(s *traffic) { s.errors += 0.05 }, 120, "5xx"},
		"denies more":                   {func(s *traffic) { s.denials += 0.2 }, 15, "4xx"},
		"leaks memory":                  {func(s *traffic) { s.leak = 4 << 20 }, 25, "memory"},
		"raises its metric":             {func(s *traffic) { s.metric = 0.15 }, 25, "auth_denied"},
		"fails all":                     {func(s *traffic) { s.errors = 1 }, 6, "5xx"},
	} {
		t.Run(name, func(t *testing.T) {
			late := 0
			for seed := range uint64(rounds) {
				canary := usual
				test.fault(&canary)
				look, after := wave(seed, limits, test.within, canary, usual)
				if look.Outcome != api.HealthBad || after > test.within {
					late++
				} else if !strings.Contains(look.Message, test.reason) {
					t.Errorf("seed %d: the reason is %q", seed, look.Message)
				}
			}
			if late > rounds/20 {
				t.Errorf("%d of %d were not found within %d s", late, rounds, test.within)
			}
		})
	}
}
