package dir

import (
	"testing"
	"time"
)

func TestQuietTime(t *testing.T) {
	const ms = time.Millisecond
	every := func(step time.Duration, n int) (events []time.Duration) {
		for i := range n {
			events = append(events, time.Duration(i)*step)
		}
		return events
	}
	tests := []struct {
		name   string
		quiet  time.Duration
		events []time.Duration
		due    time.Duration
		// renames is the number of events that are renames into place; they come first. specs is
		// the number of events for a single spec file.
		renames, specs int
		read           time.Duration // time between the last read and the events; 0: no read
	}{
		{"one event", 20 * ms, []time.Duration{0}, 20 * ms, 0, 0, 0},
		{"each event starts the quiet time anew", 20 * ms, []time.Duration{0, 15 * ms, 30 * ms}, 50 * ms, 0, 0, 0},
		{"a stream of events is held off 25 quiet times", 20 * ms, every(10*ms, 100), 500 * ms, 0, 0, 0},
		{"and two seconds at most", 200 * ms, every(100*ms, 100), 2 * time.Second, 0, 0, 0},
		{"unless the quiet time is longer", 5 * time.Second, []time.Duration{0}, 5 * time.Second, 0, 0, 0},
		{"a file is renamed into place", 20 * ms, []time.Duration{0}, 2 * ms, 1, 0, 0},
		{"and another one", 20 * ms, []time.Duration{0, ms}, 3 * ms, 2, 0, 0},
		{"and one is written", 20 * ms, []time.Duration{0, ms}, 21 * ms, 1, 0, 0},
		{"one is renamed right after a read", 20 * ms, []time.Duration{0}, 20 * ms, 1, 0, 19 * ms},
		{"one is renamed after a quiet time", 20 * ms, []time.Duration{0}, 2 * ms, 1, 0, 20 * ms},
		{"renames without end are held off, too", 20 * ms, every(ms, 1000), 20 * ms, 1000, 0, 0},
		{"a spec is renamed into place", 20 * ms, []time.Duration{0}, 0, 1, 1, 0},
		{"and its module", 20 * ms, []time.Duration{0, ms}, 3 * ms, 2, 1, 0},
		{"a spec right after a read", 20 * ms, []time.Duration{0}, 20 * ms, 1, 1, 19 * ms},
		{"a spec after its module", 20 * ms, []time.Duration{0, ms}, 3 * ms, 2, 0, 0},
		{"none", -1, []time.Duration{0, ms}, 0, 0, 0, 0},
	}
	start := time.Unix(1000, 0)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newQuietTime(tt.quiet)
			if s.pending() {
				t.Error("pending before any event")
			}
			if tt.read > 0 {
				s.reset(start.Add(-tt.read))
			}
			for i, e := range tt.events {
				switch {
				case i < tt.specs:
					s.note(start.Add(e), alone)
				case i < tt.renames:
					s.note(start.Add(e), complete)
				default:
					s.note(start.Add(e), unfinished)
				}
			}
			if !s.pending() {
				t.Error("not pending after events")
			}
			if got := s.due().Sub(start); got != tt.due {
				t.Errorf("due after %v, want %v", got, tt.due)
			}
			s.reset(start)
			if s.pending() {
				t.Error("pending after the reset")
			}
		})
	}
}
