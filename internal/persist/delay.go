package persist

import "time"

// Delay decides when a file is written that nobody waits for: some time after the first change.
// One write runs at a time. The zero value has nothing to write.
type Delay struct {
	running bool
	due     time.Time // zero: there is nothing to write
}

// Soon schedules a write after a pause, unless one is scheduled.
func (d *Delay) Soon(now time.Time, pause time.Duration) {
	if d.due.IsZero() {
		d.due = now.Add(pause)
	}
}

// Due is the time of the next write; zero: there is nothing to write, or a write runs.
func (d *Delay) Due() time.Time {
	if d.running {
		return time.Time{}
	}
	return d.due
}

// Begin says whether a write begins now. The caller starts the writer then.
func (d *Delay) Begin(now time.Time) bool {
	if d.running || d.due.IsZero() || now.Before(d.due) {
		return false
	}
	d.running, d.due = true, time.Time{}
	return true
}

// Ended takes the end of a write.
func (d *Delay) Ended() { d.running = false }

// Running says whether a write runs.
func (d *Delay) Running() bool { return d.running }

// Unsaved says whether there is a change that no write has.
func (d *Delay) Unsaved() bool { return !d.due.IsZero() }
