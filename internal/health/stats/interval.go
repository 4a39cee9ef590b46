package stats

import "math"

// Count is a number of requests, and how many of them have a property. Hits need not be whole:
// interpolated histograms give fractions.
type Count struct{ Hits, Of float64 }

// Share returns the share of the requests with the property; 0 without requests.
func (c Count) Share() float64 {
	if c.Of <= 0 {
		return 0
	}
	return c.Hits / c.Of
}

// Plus returns the sum of two counts.
func (c Count) Plus(other Count) Count { return Count{c.Hits + other.Hits, c.Of + other.Of} }

// z returns the quantile of the normal distribution that a value exceeds with the probability
// alpha.
func z(alpha float64) float64 { return math.Sqrt2 * math.Erfinv(1-2*alpha) }

// Wilson returns the one-sided bounds of a share: each is wrong with the probability alpha (Wilson,
// 1927). Without requests the bounds are 0 and 1.
func Wilson(c Count, alpha float64) (low, high float64) {
	if c.Of <= 0 {
		return 0, 1
	}
	z := z(alpha)
	p, n := c.Share(), c.Of
	middle := p + z*z/(2*n)
	spread := z * math.Sqrt(math.Max(0, p*(1-p)/n)+z*z/(4*n*n))
	scale := 1 + z*z/n
	return math.Max(0, (middle-spread)/scale), math.Min(1, (middle+spread)/scale)
}

// Newcombe returns a lower bound of the difference a - b of two shares, which is too high with a
// probability of about alpha. It is the hybrid score interval, number 10 in Newcombe, "Interval
// estimation for the difference between independent proportions", Statistics in Medicine 17 (1998),
// which holds for small numbers and for shares near 0 and 1.
func Newcombe(a, b Count, alpha float64) float64 {
	lowA, _ := Wilson(a, alpha)
	_, highB := Wilson(b, alpha)
	if a.Of <= 0 || b.Of <= 0 {
		return -1
	}
	return a.Share() - b.Share() - math.Hypot(a.Share()-lowA, highB-b.Share())
}
