package signal

import "math"

// Above is how many of the counted times exceed a number of milliseconds. Within a bucket, the
// times are taken to be spread evenly, as in [Histogram.Quantile].
func (h *Histogram) Above(ms float64) float64 {
	at := bucketOf(ms)
	low, high := bounds(at)
	above := float64(h.counts[at]) * min(1, math.Max(0, (high-ms)/(high-low)))
	for _, n := range h.counts[at+1:] {
		above += float64(n)
	}
	return above
}
