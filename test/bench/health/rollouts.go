package health

import (
	"math/rand/v2"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/health"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

const (
	rollouts = 100
	waves    = 3
	length   = 30 // of a wave, in seconds
	block    = 10 // of the recording, in seconds
)

// rollout draws a rollout of a good revision, and says whether wasm-xds refuses it, and whether a
// plain comparison does.
func rollout(noise []second, seed uint64) (ours, plain bool, why string) {
	r := rand.New(rand.NewPCG(seed, 0))
	for range waves {
		judge := health.New(spec.DefaultHealth(), spec.HTTP, spec.Closed)
		var both [2]health.Figures
		canary := r.IntN(2)
		for range length / block {
			at := r.IntN(len(noise) - block)
			for _, one := range noise[at : at+block] {
				a, b := figuresOf(one, canary), figuresOf(one, 1-canary)
				both[0].Envoys, both[1].Envoys = 1, 1
				both[0].Sum.Add(&a.Sum)
				both[1].Sum.Add(&b.Sum)
				judge.Add(a, []health.Group{{Canary: a, Stable: b}})
				if look := judge.Look(time.Time{}, ""); look.Outcome == api.HealthBad && !ours {
					ours, why = true, look.Message
				}
				plain = plain || exceeds(&both[0], &both[1])
			}
		}
	}
	return ours, plain, why
}

func figuresOf(one second, envoy int) (f health.Figures) {
	f.Add(&one[envoy])
	return f
}

// exceeds compares plainly: by the same limits, without a test of chance.
func exceeds(canary, stable *health.Figures) bool {
	limits, a, b := spec.DefaultHealth(), &canary.Sum, &stable.Sum
	if a.Requests < limits.MinRequests || b.Requests < limits.MinRequests {
		return false
	}
	share := func(n, of uint64) float64 { return float64(n) / float64(of) }
	slower := func(q float64, l spec.DelayLimit) bool {
		at := b.Time.Quantile(q)
		return a.Time.Quantile(q) > at+max(float64(l.Over)/float64(time.Millisecond), l.OverShare*at)
	}
	return share(a.Errors5xx, a.Requests) > share(b.Errors5xx, b.Requests)+limits.Errors.Over ||
		slower(0.5, limits.P50) || slower(0.99, limits.P99)
}
