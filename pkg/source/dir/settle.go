package dir

import "time"

const (
	holdOffFactor = 25
	maxHoldOff    = 2 * time.Second
)

// settle decides when a changed directory is read: after a quiet time, and
// after a longest time whatever else happens, so that a stream of events
// cannot starve it.
type settle struct {
	quiet, holdOff time.Duration
	first, last    time.Time // of the events since the last reset; zero: none
}

func newSettle(quiet time.Duration) settle {
	quiet = max(quiet, 0)
	// A quiet time beyond the longest hold-off is what the user asked for.
	return settle{quiet: quiet, holdOff: max(min(holdOffFactor*quiet, maxHoldOff), quiet)}
}

// note tells of an event.
func (s *settle) note(now time.Time) {
	if s.first.IsZero() {
		s.first = now
	}
	s.last = now
}

// pending says whether there was an event since the last reset.
func (s *settle) pending() bool { return !s.first.IsZero() }

// due is when to read. It means nothing when nothing is pending.
func (s *settle) due() time.Time {
	quiet, latest := s.last.Add(s.quiet), s.first.Add(s.holdOff)
	if latest.Before(quiet) {
		return latest
	}
	return quiet
}

func (s *settle) reset() { s.first, s.last = time.Time{}, time.Time{} }
