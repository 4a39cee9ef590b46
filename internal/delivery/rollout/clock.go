package rollout

import "time"

// stopwatch measures a time that stands still now and then. The zero value stands at 0.
//
// A stopwatch counts the time between two looks of a process. A restart goes on with the total,
// so neither the time without a server nor a jump of the wall clock counts.
// See docs/RATIONALE.md#which-time-does-a-soak-count.
type stopwatch struct {
	total time.Duration
	last  time.Time
	runs  bool
}

// run counts the time since the last look if the watch ran, and says whether it runs from now on.
func (s *stopwatch) run(runs bool, now time.Time) {
	if s.runs {
		s.total += max(now.Sub(s.last), 0)
	}
	s.runs, s.last = runs, now
}

// at is the total at a time.
func (s *stopwatch) at(now time.Time) time.Duration {
	if !s.runs {
		return s.total
	}
	return s.total + max(now.Sub(s.last), 0)
}

// reset sets the watch back to 0.
func (s *stopwatch) reset() { s.total, s.runs = 0, false }

// The state is saved while a soak or a watch is under way, so a killed server loses little of
// the time: a tenth of the time, from one second to ten.
const (
	leastCheckpoint = time.Second
	mostCheckpoint  = 10 * time.Second
)

// checkpoint is the time between two saves during a time of that length.
func checkpoint(of time.Duration) time.Duration {
	return min(max(of/10, leastCheckpoint), mostCheckpoint)
}
