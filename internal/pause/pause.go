// Package pause says how long to wait before something that failed is tried again. The
// pauses come from cenkalti/backoff: each is twice the one before, up to a longest one.
package pause

import (
	"net/http"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// factor is what each pause is longer by than the one before.
const factor = 2

// Policy says how pauses grow. It is a value and safe for concurrent use.
type Policy struct {
	// First is the pause after the first failure. It must be positive.
	First time.Duration
	// Most is the longest pause, before jitter. It is at least First.
	Most time.Duration
	// Jitter is the part of a pause by which it is longer or shorter at random, so that many
	// clients do not come back in the same moment: 0.5 is from half to one and a half. 0: none.
	Jitter float64
}

// Schedule is a new run of pauses, for [backoff.Retry] and for loops. Only one goroutine may
// use it.
func (p Policy) Schedule() backoff.BackOff {
	return &backoff.ExponentialBackOff{
		InitialInterval: p.First, RandomizationFactor: p.Jitter, Multiplier: factor, MaxInterval: p.Most,
	}
}

// After is the pause after a number of failures in a row, the first of which is 1. It is for
// callers that keep a count as their state.
func (p Policy) After(failures int) time.Duration {
	// So many doublings reach the longest of all durations from a nanosecond.
	const enough = 64
	schedule := p.Schedule()
	for range min(failures, enough) - 1 {
		schedule.NextBackOff()
	}
	return schedule.NextBackOff()
}

// RetryAfter reads the value of a Retry-After header, which is a number of seconds or a
// date. It is 0 for anything else, and for a date that is not after now.
func RetryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(date.Sub(now), 0)
	}
	return 0
}
