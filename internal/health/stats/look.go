package stats

import "math"

// firstLook is the number of stretches of time before the first look.
const firstLook = 3

// Look returns the number of the look that is due after n stretches of time, from 1 on; 0: no look
// is due. The looks follow one another at growing distances, after 3, 4, 6, 8, 11, 15, 20, …
// stretches, because each look costs a part of the risk of a false alarm, and a look soon after
// another sees little that is new.
func Look(n int) int {
	number, at := 1, firstLook
	for ; at < n; number++ {
		at += (at + 2) / 3
	}
	if at != n {
		return 0
	}
	return number
}

// Spend returns the risk of a false alarm that the look of that number may take. All looks
// together, however many, take at most risk: the sum of 1/(k(k+1)) is 1.
func Spend(risk float64, number int) float64 {
	return risk / float64(number*(number+1))
}

// RisingTrend returns the probability that values without a trend rise as steadily as these do. The
// test is Mann and Kendall's, with the normal approximation: it looks at the order of the values
// only. The result is 1 for fewer than eight values.
func RisingTrend(values []float64) float64 {
	n := float64(len(values))
	if n < 8 {
		return 1
	}
	s := 0.0
	for i := range values {
		for _, later := range values[i+1:] {
			switch {
			case later > values[i]:
				s++
			case later < values[i]:
				s--
			}
		}
	}
	return math.Erfc((s-1)/math.Sqrt(n*(n-1)*(2*n+5)/18)/math.Sqrt2) / 2
}
