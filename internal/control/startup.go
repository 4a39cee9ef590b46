package control

import (
	"sync/atomic"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/track"
)

// firstSnapshotWait is how long a start without any state waits for the first set, and then for
// downloads.
const firstSnapshotWait = 10 * time.Second

// startup is the time until there is something to serve, so Envoys do not get a stand-in
// first. Any goroutine may ask ready and loaded; the rest belongs to Run's goroutine.
type startup struct {
	ready    atomic.Bool
	loaded   chan struct{} // closed when ready
	firstSet time.Time     // zero: none yet
}

// complete ends the startup: the listeners may start.
func (s *startup) complete() {
	if s.ready.CompareAndSwap(false, true) {
		close(s.loaded)
	}
}

// setCame notes the time of the first set.
func (s *startup) setCame(now time.Time) {
	if s.firstSet.IsZero() {
		s.firstSet = now
	}
}

// waits says whether the startup still waits for downloads or for the sandbox.
func (s *startup) waits(specs *track.Specs, now time.Time) bool {
	if s.ready.Load() || specs.Set() == nil || now.Sub(s.firstSet) >= firstSnapshotWait {
		return false
	}
	if specs.Checks().Queue.Waits() {
		return true
	}
	for task := range specs.Running {
		if task.Slow() {
			return true
		}
	}
	return false
}

// due is the time at which the startup waits no longer for a first set, or for its downloads;
// zero: the startup waits for nothing. silent: the source has said nothing yet. began is the
// start of Run.
func (s *startup) due(specs *track.Specs, silent bool, began, now time.Time) time.Time {
	switch {
	case s.firstSet.IsZero() && silent:
		return began.Add(firstSnapshotWait)
	case s.waits(specs, now):
		return s.firstSet.Add(firstSnapshotWait)
	default:
		return time.Time{}
	}
}

// late completes the startup if it has waited long enough. It says whether the source was
// silent all the time: the server continues without specs then.
func (s *startup) late(specs *track.Specs, silent bool, began, now time.Time) (nothingRead bool) {
	switch {
	case s.firstSet.IsZero():
		if silent && now.Sub(began) >= firstSnapshotWait {
			s.complete()
			return true
		}
	case s.ready.Load():
	case now.Sub(s.firstSet) >= firstSnapshotWait, specs.Set() != nil && !s.waits(specs, now) && idle(specs):
		s.complete()
	}
	return false
}

// idle says whether nothing is being read.
func idle(specs *track.Specs) bool {
	for range specs.Running {
		return false
	}
	return true
}
