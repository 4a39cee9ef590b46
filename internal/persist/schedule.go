package persist

import "time"

const (
	// saveEvery is the time between two saves without waiters: thousands of ACKs in a row
	// are saved together. If a save takes long, because of a large state or a slow disk, the time
	// is saveShare times the duration of the last save, and saveGapMost at most.
	saveEvery   = 100 * time.Millisecond
	saveShare   = 4
	saveGapMost = 2 * time.Second
	// saveDelay is the time before a save without waiters. Pushes to Envoys come first,
	// and an Envoy on the same machine needs all cores to compile a module.
	saveDelay = saveEvery
)

// Schedule decides when the state is saved. One save runs at a time, and a change during a save
// goes into the next. The zero value has nothing to save.
type Schedule struct {
	running bool
	again   bool      // a change needs another save after the running one
	due     time.Time // of the next save; zero: there is nothing to save
	began   time.Time
	ended   time.Time     // the end of the last save
	gap     time.Duration // the least time between two saves without waiters
	// Waiters get to know that a change is on the disk.
	saving  []chan struct{} // the running save has the change
	waiting []chan struct{} // the next save will have it
}

// Soon schedules a save for a change that nobody waits for. It comes after a short delay, but not
// soon after the last save: the encoding of the whole state keeps a core busy for longer than all
// other work of an edit.
func (s *Schedule) Soon(now time.Time) {
	if !s.due.IsZero() {
		return
	}
	s.due = now.Add(saveDelay)
	if next := s.ended.Add(s.gap); s.due.Before(next) {
		s.due = next
	}
}

// Await schedules a save at once. The channel is closed after the save, successful or not.
func (s *Schedule) Await(now time.Time) <-chan struct{} {
	done := make(chan struct{})
	s.waiting = append(s.waiting, done)
	s.due = now
	return done
}

// Due is the time of the next save; zero: there is nothing to save, or a save runs.
func (s *Schedule) Due() time.Time {
	if s.running {
		return time.Time{}
	}
	return s.due
}

// Begin says whether a save begins now. The caller starts the writer then.
func (s *Schedule) Begin(now time.Time) bool {
	if s.due.IsZero() || now.Before(s.due) {
		return false
	}
	s.due = time.Time{}
	if s.running {
		s.again = true
		return false
	}
	s.running, s.again, s.began = true, false, now
	s.saving, s.waiting = s.waiting, nil
	return true
}

// Ended takes the end of a save. The next save is due if there were changes meanwhile.
func (s *Schedule) Ended(now time.Time) {
	s.running, s.ended = false, now
	s.gap = min(max(saveEvery, saveShare*now.Sub(s.began)), saveGapMost)
	for _, done := range s.saving {
		close(done)
	}
	s.saving = nil
	switch {
	case len(s.waiting) > 0:
		s.due = now
	case s.again || !s.due.IsZero() && !now.Before(s.due):
		s.due = now.Add(s.gap)
	}
}

// Running says whether a save runs.
func (s *Schedule) Running() bool { return s.running }

// Idle says whether the disk has every change, as far as saves succeeded.
func (s *Schedule) Idle() bool { return !s.running && s.due.IsZero() }

// EndedLast takes the end of a save at the end of the process. No waiter gets to know: the process
// ends. A failed save has to be repeated.
func (s *Schedule) EndedLast(failed bool) { s.running, s.again = false, s.again || failed }

// Unsaved says whether there is a change that no save has.
func (s *Schedule) Unsaved() bool { return s.again || !s.due.IsZero() }
