package health

import (
	"math"

	"github.com/wasm-xds/wasm-xds/internal/health/stats"
)

// finding is the outcome of one comparison in a group.
type finding uint8

// The findings, the weakest first: the findings of the groups of a wave are joined to the last of
// them in this order.
const (
	few       finding = iota // too few requests on a side
	fair                     // within the limit, as far as is known
	undecided                // beyond the limit, but chance can still be the cause
	worse                    // beyond the limit, and not by chance
)

// verdict is the finding of a comparison, with the group that it comes from.
type verdict struct {
	finding finding
	group   *series // nil: no group was compared
}

func (v *verdict) add(found finding, from *series) {
	if v.group == nil || found > v.finding {
		v.finding, v.group = found, from
	}
}

// test compares two shares in the stretches of time, or one share with a number.
type test struct {
	pairs  []stats.Pair
	single bool    // there is no stable side
	margin float64 // how much more is allowed, or the largest share
	least  uint64  // requests that each side needs
}

func (t test) find(alpha float64) finding {
	var sum stats.Pair
	for _, p := range t.pairs {
		sum = stats.Pair{A: sum.A.Plus(p.A), B: sum.B.Plus(p.B)}
	}
	if sum.A.Of < float64(t.least) || !t.single && sum.B.Of < float64(t.least) {
		return few
	}
	// The two tests complete each other: the bound is about few requests, and the chance about
	// uneven stretches of time.
	var bound, chance float64
	if t.single {
		bound, _ = stats.Wilson(sum.A, alpha)
		chance = stats.Share(t.pairs, t.margin)
	} else {
		bound, chance = stats.Newcombe(sum.A, sum.B, alpha), stats.Difference(t.pairs, t.margin)
	}
	switch {
	case bound > t.margin && chance < alpha:
		return worse
	case chance < suspicion:
		return undecided
	}
	return fair
}

// suspicion is the chance below which a figure beyond its limit keeps a look from being good.
const suspicion = 0.05

// findLeak looks for memory that grows on the Envoys with the revision and not on the others. The
// means of the first and the last quarter of the stretches decide how much it has grown, and the
// order of all stretches whether it grows steadily.
func findLeak(s *series, of func(*Figures) float64, limit, alpha float64) (found finding, grown float64) {
	var canary, stable, differences []float64
	for i := range s.stretches {
		if a, b := of(&s.stretches[i].Canary), of(&s.stretches[i].Stable); a > 0 && b > 0 {
			canary, stable, differences = append(canary, a), append(stable, b), append(differences, a-b)
		}
	}
	if len(differences) < leastTrend {
		return few, 0
	}
	grown = growth(canary) - math.Max(0, growth(stable))
	if grown > limit && stats.RisingTrend(differences) < alpha && stats.RisingTrend(canary) < alpha {
		return worse, grown
	}
	return fair, grown
}

// leastTrend is the number of stretches from which a trend is judged.
const leastTrend = 8

func growth(values []float64) float64 {
	quarter := len(values) / 4
	return mean(values[len(values)-quarter:]) - mean(values[:quarter])
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}
