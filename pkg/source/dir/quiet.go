package dir

import "time"

const (
	holdOffFactor = 25
	maxHoldOff    = 2 * time.Second
	// briefFactor divides the quiet time after renames of files into their places. Renamed files
	// are complete, but a spec may follow its module.
	briefFactor = 10
)

// completeness describes which further events are likely.
type completeness int

const (
	unfinished completeness = iota // the rest of a file
	complete                       // files that belong to the renamed file, such as a module's spec
	alone                          // none: a single spec file was renamed into place
)

// quietTime decides when to read a changed directory. A read happens after a quiet time, and at the
// latest after the hold-off, so a stream of events cannot delay the read for ever.
//
// The quiet time is short if all events were renames of files into their places. There is no quiet
// time for the rename of a single spec file. Events soon after such a read are a burst and get the
// full quiet time.
// See docs/RATIONALE.md#why-is-a-renamed-spec-read-at-once-and-a-module-after-a-tenth-of---settle.
type quietTime struct {
	quiet, holdOff time.Duration
	first, last    time.Time    // times of the first and last event since the last reset; zero: none
	pended         completeness // the least completeness of these events
	lastRead       time.Time
}

func newQuietTime(quiet time.Duration) quietTime {
	quiet = max(quiet, 0)
	// A quiet time beyond the largest hold-off is the user's choice.
	return quietTime{quiet: quiet, holdOff: max(min(holdOffFactor*quiet, maxHoldOff), quiet)}
}

// note records events at a time, with the least completeness of all of them.
func (s *quietTime) note(now time.Time, c completeness) {
	if s.first.IsZero() {
		s.first, s.pended = now, c
		if now.Sub(s.lastRead) < s.quiet {
			s.pended = unfinished
		}
	}
	s.last = now
	s.pended = min(s.pended, c)
}

// pending reports whether there was an event since the last reset.
func (s *quietTime) pending() bool { return !s.first.IsZero() }

// due returns the time of the next read. The result is valid only while events are pending.
func (s *quietTime) due() time.Time {
	quiet, latest := s.last.Add(s.quiet), s.first.Add(s.holdOff)
	switch s.pended {
	case alone:
		return s.last
	case complete:
		quiet, latest = s.last.Add(s.quiet/briefFactor), s.first.Add(s.quiet)
	case unfinished:
	}
	if latest.Before(quiet) {
		return latest
	}
	return quiet
}

// reset records a read of the directory.
func (s *quietTime) reset(now time.Time) {
	s.first, s.last, s.lastRead = time.Time{}, time.Time{}, now
}
