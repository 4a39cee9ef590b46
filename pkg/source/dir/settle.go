package dir

import "time"

const (
	holdOffFactor = 25
	maxHoldOff    = 2 * time.Second
	// briefFactor is how much shorter the quiet time is after files that were renamed
	// into their places: they are complete, but another one may belong to them.
	briefFactor = 10
)

// settle decides when a changed directory is read: after a quiet time, and
// after a longest time whatever else happens, so that a stream of events
// cannot starve it. The quiet time is brief where all that happened is that
// files were renamed into their places, out of the quiet: what follows soon
// after such a read is a burst, and settles as anything else.
type settle struct {
	quiet, holdOff time.Duration
	first, last    time.Time // of the events since the last reset; zero: none
	unfinished     bool      // some of them may have more to follow
	lastRead       time.Time
}

func newSettle(quiet time.Duration) settle {
	quiet = max(quiet, 0)
	// A quiet time beyond the longest hold-off is what the user asked for.
	return settle{quiet: quiet, holdOff: max(min(holdOffFactor*quiet, maxHoldOff), quiet)}
}

// note tells of events; complete says that all of them are renames into place.
func (s *settle) note(now time.Time, complete bool) {
	if s.first.IsZero() {
		s.first = now
		s.unfinished = now.Sub(s.lastRead) < s.quiet
	}
	s.last = now
	s.unfinished = s.unfinished || !complete
}

// pending says whether there was an event since the last reset.
func (s *settle) pending() bool { return !s.first.IsZero() }

// due is when to read. It means nothing when nothing is pending.
func (s *settle) due() time.Time {
	quiet, latest := s.last.Add(s.quiet), s.first.Add(s.holdOff)
	if !s.unfinished {
		quiet, latest = s.last.Add(s.quiet/briefFactor), s.first.Add(s.quiet)
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
