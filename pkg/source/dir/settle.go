package dir

import "time"

const (
	holdOffFactor = 25
	maxHoldOff    = 2 * time.Second
	// briefFactor is how much shorter the quiet time is after files that were renamed
	// into their places: they are complete, but a spec may follow its module.
	briefFactor = 10
)

// completeness says what may follow events.
type completeness int

const (
	unfinished completeness = iota // the rest of a file
	complete                       // files that belong to what was renamed into place: a module's spec
	alone                          // nothing: a single spec file was renamed into place
)

// settle decides when a changed directory is read: after a quiet time, and
// after a longest time whatever else happens, so that a stream of events
// cannot starve it. The quiet time is brief where all that happened is that
// files were renamed into their places, and none where that was one spec file,
// out of the quiet: what follows soon after such a read is a burst, and settles
// as anything else.
type settle struct {
	quiet, holdOff time.Duration
	first, last    time.Time    // of the events since the last reset; zero: none
	pended         completeness // the least of theirs
	lastRead       time.Time
}

func newSettle(quiet time.Duration) settle {
	quiet = max(quiet, 0)
	// A quiet time beyond the longest hold-off is what the user asked for.
	return settle{quiet: quiet, holdOff: max(min(holdOffFactor*quiet, maxHoldOff), quiet)}
}

// note tells of events, and how complete all of them are.
func (s *settle) note(now time.Time, c completeness) {
	if s.first.IsZero() {
		s.first, s.pended = now, c
		if now.Sub(s.lastRead) < s.quiet {
			s.pended = unfinished
		}
	}
	s.last = now
	s.pended = min(s.pended, c)
}

// pending says whether there was an event since the last reset.
func (s *settle) pending() bool { return !s.first.IsZero() }

// due is when to read. It means nothing when nothing is pending.
func (s *settle) due() time.Time {
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

// reset tells that the directory is read.
func (s *settle) reset(now time.Time) {
	s.first, s.last, s.lastRead = time.Time{}, time.Time{}, now
}
