package pause

import "time"

// Earliest returns the earliest of the times that are not zero. It is zero if all of them are.
func Earliest(times ...time.Time) time.Time {
	var first time.Time
	for _, at := range times {
		if !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}
