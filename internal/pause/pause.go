// Package pause computes the pauses before retries. The pauses come from cenkalti/backoff: each
// pause is twice as long as the previous pause, up to a limit.
package pause

import (
	"net/http"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// factor is the ratio between a pause and the previous pause.
const factor = 2

// Policy defines how pauses grow. A Policy is a value and safe for concurrent use.
type Policy struct {
	// First is the pause after the first failure, a positive duration.
	First time.Duration
	// Most is the longest pause, before jitter, and at least First.
	Most time.Duration
	// Jitter is the random part of a pause, so many clients do not retry at the same moment.
	// With 0.5 a pause lasts between half and one and a half of its length. 0 means no jitter.
	Jitter float64
}

// Schedule returns a new sequence of pauses, for [backoff.Retry] and for loops. Only one goroutine
// may use the sequence.
func (p Policy) Schedule() backoff.BackOff {
	return &backoff.ExponentialBackOff{
		InitialInterval: p.First, RandomizationFactor: p.Jitter, Multiplier: factor, MaxInterval: p.Most,
	}
}

// After returns the pause after a number of consecutive failures, with jitter. The first failure
// is 1. After serves callers that store the number of failures.
func (p Policy) After(failures int) time.Duration {
	// 64 doublings reach the longest duration even from a nanosecond.
	const enough = 64
	schedule := p.Schedule()
	for range min(failures, enough) - 1 {
		schedule.NextBackOff()
	}
	return schedule.NextBackOff()
}

// RetryAfter parses the value of a Retry-After header: a number of seconds or a date. The result is
// 0 for any other value, and for a date that is not after now.
func RetryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(date.Sub(now), 0)
	}
	return 0
}
