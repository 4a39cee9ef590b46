package stats

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// Pair has the counts of both sides in one stretch of time.
type Pair struct{ A, B Count }

// leastBatches is the smallest number of batches from which a spread is estimated. With fewer, the
// critical values of Student's t would hide all but gross differences.
const leastBatches = 12

// doublings is how often the batches are doubled: the longest has four stretches. Noise that lasts
// longer than that is rare, and each doubling makes the test slower to find a fault.
const doublings = 2

// Difference returns the probability that the share of A exceeds the share of B by as much as it
// does if the true excess is at most margin. The test is Student's t on the differences of the
// stretches, in which both sides saw the same minutes: a stretch with a burst of hits raises the
// spread as much as the mean. Neighbours may be alike, so batches of two and of four stretches
// are tested, too, and the largest probability counts. The result is 1 if there are not enough
// stretches with requests.
func Difference(pairs []Pair, margin float64) float64 {
	return overBatches(pairs, func(batch []Pair) float64 {
		var a, b Count
		for _, p := range batch {
			a, b = a.Plus(p.A), b.Plus(p.B)
		}
		if a.Of <= 0 || b.Of <= 0 {
			return 1
		}
		shareA, shareB := a.Share(), b.Share()
		squares := 0.0
		for _, p := range batch {
			r := (p.A.Hits-shareA*p.A.Of)/a.Of - (p.B.Hits-shareB*p.B.Of)/b.Of
			squares += r * r
		}
		return tail(shareA-shareB-margin, squares, len(batch))
	})
}

// Share returns the probability that the share of A is as high as it is if the true share is at
// most margin. It is [Difference] without another side.
func Share(pairs []Pair, margin float64) float64 {
	return overBatches(pairs, func(batch []Pair) float64 {
		var a Count
		for _, p := range batch {
			a = a.Plus(p.A)
		}
		if a.Of <= 0 {
			return 1
		}
		squares := 0.0
		for _, p := range batch {
			r := (p.A.Hits - a.Share()*p.A.Of) / a.Of
			squares += r * r
		}
		return tail(a.Share()-margin, squares, len(batch))
	})
}

// tail is the upper tail of Student's t for an excess, given the sum of the squared residuals of n
// batches.
func tail(excess, squares float64, n int) float64 {
	if excess <= 0 || n < 2 {
		return 1
	}
	t := excess / math.Sqrt(squares*float64(n)/float64(n-1))
	if math.IsInf(t, 1) {
		return 0
	}
	return StudentT(t, float64(n-1))
}

// StudentT returns the probability that a value of Student's t distribution exceeds t, which is not
// negative.
func StudentT(t, freedom float64) float64 {
	return mathext.RegIncBeta(freedom/2, 0.5, freedom/(freedom+t*t)) / 2
}

// overBatches returns the largest result of test for batches of 1, 2 and 4 pairs, at least
// leastBatches of them. The first size is tested with any number of batches.
func overBatches(pairs []Pair, test func([]Pair) float64) float64 {
	batch := used(pairs)
	largest := test(batch)
	for i := 0; i < doublings && len(batch)/2 >= leastBatches; i++ {
		batch = merge(batch)
		largest = math.Max(largest, test(batch))
	}
	return largest
}

// used leaves out the stretches without requests.
func used(pairs []Pair) []Pair {
	var some []Pair
	for _, p := range pairs {
		if p.A.Of > 0 || p.B.Of > 0 {
			some = append(some, p)
		}
	}
	return some
}

// merge joins neighbours. An odd one out joins the last batch.
func merge(pairs []Pair) []Pair {
	merged := make([]Pair, 0, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		merged = append(merged, Pair{pairs[i].A.Plus(pairs[i+1].A), pairs[i].B.Plus(pairs[i+1].B)})
	}
	if len(pairs)%2 == 1 {
		last, odd := &merged[len(merged)-1], pairs[len(pairs)-1]
		last.A, last.B = last.A.Plus(odd.A), last.B.Plus(odd.B)
	}
	return merged
}
