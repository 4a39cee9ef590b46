package dir

import (
	"testing"
	"time"
)

func TestSettle(t *testing.T) {
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
	}{
		{"one event", 20 * ms, []time.Duration{0}, 20 * ms},
		{"each event starts the quiet time anew", 20 * ms, []time.Duration{0, 15 * ms, 30 * ms}, 50 * ms},
		{"a stream of events is held off 25 quiet times", 20 * ms, every(10*ms, 100), 500 * ms},
		{"and two seconds at most", 200 * ms, every(100*ms, 100), 2 * time.Second},
		{"unless the quiet time is longer", 5 * time.Second, []time.Duration{0}, 5 * time.Second},
		{"none", -1, []time.Duration{0, ms}, 0},
	}
	start := time.Unix(1000, 0)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSettle(tt.quiet)
			if s.pending() {
				t.Error("pending before any event")
			}
			for _, e := range tt.events {
				s.note(start.Add(e))
			}
			if !s.pending() {
				t.Error("not pending after events")
			}
			if got := s.due().Sub(start); got != tt.due {
				t.Errorf("due after %v, want %v", got, tt.due)
			}
			s.reset()
			if s.pending() {
				t.Error("pending after the reset")
			}
		})
	}
}
