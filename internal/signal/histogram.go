package signal

import "math"

// The buckets of a [Histogram]: six for each doubling, from half a millisecond to more than an
// hour. The error of a quantile is less than an eighth of its value.
const (
	perDoubling = 6
	lowest      = 0.5 // milliseconds; the upper bound of the first bucket
	numBuckets  = 23*perDoubling + 2
)

// Histogram counts times. The zero value has counted none.
type Histogram struct {
	counts [numBuckets]uint64
}

// bucketOf is the bucket of a time in milliseconds.
func bucketOf(ms float64) int {
	if !(ms > lowest) { // also for NaN
		return 0
	}
	return min(1+int(perDoubling*math.Log2(ms/lowest)), numBuckets-1)
}

// bounds are the times of a bucket, in milliseconds.
func bounds(bucket int) (low, high float64) {
	if bucket == 0 {
		return 0, lowest
	}
	return lowest * math.Exp2(float64(bucket-1)/perDoubling), lowest * math.Exp2(float64(bucket)/perDoubling)
}

// Observe counts n requests of a time in milliseconds.
func (h *Histogram) Observe(ms float64, n uint64) { h.counts[bucketOf(ms)] += n }

// Add adds another histogram.
func (h *Histogram) Add(other *Histogram) {
	for i, n := range other.counts {
		h.counts[i] += n
	}
}

// Count is the number of counted times.
func (h *Histogram) Count() (n uint64) {
	for _, one := range h.counts {
		n += one
	}
	return n
}

// Quantile is the time in milliseconds that a share q of all times do not exceed, with q from 0 to
// 1. Without a counted time, the quantile is 0.
func (h *Histogram) Quantile(q float64) float64 {
	all := h.Count()
	if all == 0 {
		return 0
	}
	rank := q * float64(all)
	var below float64
	for i, n := range h.counts {
		if n > 0 && below+float64(n) >= rank {
			low, high := bounds(i)
			return low + (high-low)*max(0, rank-below)/float64(n)
		}
		below += float64(n)
	}
	_, high := bounds(numBuckets - 1)
	return high
}

// spread counts n times between two times evenly.
func (h *Histogram) spread(low, high float64, n uint64) {
	const places = 16
	for k := range min(n, places) {
		share := n / min(n, places)
		if k < n%min(n, places) {
			share++
		}
		h.Observe(low+(high-low)*(float64(k)+0.5)/float64(min(n, places)), share)
	}
}
