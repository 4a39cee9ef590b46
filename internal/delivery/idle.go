package delivery

import "time"

// idle is the time of a removed filter for which no stream asks.
type idle struct {
	// since is when the spec was removed or the last stream for the filter ended, the later of the
	// two; zero: a spec has the name, or a stream asks for the filter.
	since time.Time
	look  time.Time // the last timer set
}

// set says whether the filter is idle now, and whether that is news.
func (i *idle) set(is bool, now time.Time) (news bool) {
	switch {
	case !is && !i.since.IsZero():
		i.since = time.Time{}
	case is && i.since.IsZero():
		i.since = now
	default:
		return false
	}
	return true
}

// end ends the idle time.
func (i *idle) end() { i.since = time.Time{} }

// restore goes on where a former process left off. The clock may have been set back.
func (i *idle) restore(since time.Time) { i.since = since }

// notAfter corrects the time of a clock that was set back.
func (i *idle) notAfter(now time.Time) {
	if i.since.After(now) {
		i.since = now
	}
}

// setTimer notes the last timer, and says whether the timer is another than before.
func (i *idle) setTimer(at time.Time) bool {
	if i.look.Equal(at) {
		return false
	}
	i.look = at
	return true
}
