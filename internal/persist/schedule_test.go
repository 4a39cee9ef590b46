package persist

import (
	"testing"
	"time"
)

// scheduleRig drives a schedule, with a clock of its own.
type scheduleRig struct {
	t   *testing.T
	s   Schedule
	now time.Time
}

func (r *scheduleRig) after(d time.Duration) { r.now = r.now.Add(d) }

// wantDue wants the next save in this time; a negative time: none.
func (r *scheduleRig) wantDue(in time.Duration) {
	r.t.Helper()
	due := r.s.Due()
	if in < 0 != due.IsZero() || in >= 0 && due.Sub(r.now) != in {
		r.t.Errorf("the next save is due %v from now, want %v", due.Sub(r.now), in)
	}
}

func (r *scheduleRig) wantBegin(want bool) {
	r.t.Helper()
	if got := r.s.Begin(r.now); got != want {
		r.t.Errorf("a save begins: %v, want %v", got, want)
	}
}

func TestManyChangesMakeOneSave(t *testing.T) {
	r := scheduleRig{t: t, now: time.Unix(1000, 0)}
	r.wantDue(-1)
	r.wantBegin(false)
	r.s.Soon(r.now)
	r.after(saveDelay / 2)
	r.s.Soon(r.now)
	r.wantDue(saveDelay / 2)
	r.wantBegin(false)
	r.after(saveDelay / 2)
	r.wantBegin(true)
	if r.s.Idle() || r.s.Unsaved() {
		t.Error("a running save is no idle time, and has every change")
	}
	r.s.Ended(r.now)
	if !r.s.Idle() {
		t.Error("nothing is left to save")
	}
}

// A slow disk is not kept busy all the time, and a change during a save goes into the next.
func TestSlowSavesGetRarer(t *testing.T) {
	for took, gap := range map[time.Duration]time.Duration{
		time.Millisecond: saveEvery, 200 * time.Millisecond: 800 * time.Millisecond, time.Minute: saveGapMost,
	} {
		for _, look := range []bool{false, true} { // whether the loop wakes while the save runs
			r := scheduleRig{t: t, now: time.Unix(1000, 0)}
			r.s.Await(r.now)
			r.wantBegin(true)
			r.s.Soon(r.now.Add(-saveDelay)) // due now
			r.wantDue(-1)                   // the loop need not wake for it
			if look {
				r.wantBegin(false)
			}
			r.after(took)
			r.s.Ended(r.now)
			r.wantDue(gap)
			r.after(gap)
			r.wantBegin(true)
			r.s.Ended(r.now)
			r.s.Soon(r.now)
			r.wantDue(saveEvery)
		}
	}
}

func TestAWaiterIsSavedAtOnce(t *testing.T) {
	r := scheduleRig{t: t, now: time.Unix(1000, 0)}
	closed := func(c <-chan struct{}) bool {
		select {
		case <-c:
			return true
		default:
			return false
		}
	}
	first := r.s.Await(r.now)
	r.wantBegin(true)
	second := r.s.Await(r.now)
	r.wantBegin(false)
	r.after(time.Second)
	r.s.Ended(r.now)
	if !closed(first) || closed(second) {
		t.Errorf("after the first save: %v, %v", closed(first), closed(second))
	}
	r.wantDue(0)
	r.wantBegin(true)
	r.s.Ended(r.now)
	if !closed(second) {
		t.Error("the second is not told")
	}
}

func TestTheLastSave(t *testing.T) {
	for _, tt := range []struct {
		name    string
		change  func(*Schedule, time.Time)
		failed  bool
		unsaved bool
	}{
		{"no change", func(*Schedule, time.Time) {}, false, false},
		{"a failed save", func(*Schedule, time.Time) {}, true, true},
		{"a change meanwhile", func(s *Schedule, now time.Time) { s.Soon(now) }, false, true},
		{"a user's decision meanwhile", func(s *Schedule, now time.Time) { s.Await(now); s.Begin(now) }, false, true},
	} {
		var s Schedule
		now := time.Unix(1000, 0)
		s.Await(now)
		s.Begin(now)
		tt.change(&s, now)
		s.EndedLast(tt.failed)
		if s.Running() || s.Unsaved() != tt.unsaved {
			t.Errorf("%s: running %v, unsaved %v", tt.name, s.Running(), s.Unsaved())
		}
	}
}

func TestSendsWaitForTheFileThatNamesThem(t *testing.T) {
	var b Barrier[string]
	if !b.Pass("a") || b.Blocks() {
		t.Error("something waits without a write")
	}
	if !b.Begin() || b.Pass("b") || b.Begin() || b.Pass("c", "d") || !b.Blocks() {
		t.Error("something passes during a write")
	}
	ready, again := b.Ended()
	if len(ready) != 1 || ready[0] != "b" || !again {
		t.Errorf("after the first write: %v, %v", ready, again)
	}
	b.Begin()
	ready, again = b.Ended()
	if len(ready) != 2 || again || b.Blocks() || b.Running() || b.Unsaved() {
		t.Errorf("after the second write: %v, %v", ready, again)
	}
	now := time.Unix(1000, 0)
	b.Soon(now)
	if due := b.Due(); due != now.Add(saveEvery) || !b.Unsaved() || !b.Pass("e") {
		t.Errorf("a change without sends is due at %v", due)
	}
	b.Begin()
	b.EndedLast(true)
	if !b.Due().IsZero() || b.Running() || !b.Unsaved() {
		t.Error("a write that failed at the end is not repeated")
	}
}

func TestDelay(t *testing.T) {
	var d Delay
	now := time.Unix(1000, 0)
	if d.Begin(now) || !d.Due().IsZero() {
		t.Error("the zero value has something to write")
	}
	d.Soon(now, time.Second)
	d.Soon(now, time.Minute)
	if d.Due() != now.Add(time.Second) || d.Begin(now) || !d.Begin(now.Add(time.Second)) {
		t.Error("the write does not come in its time")
	}
	d.Soon(now, time.Second)
	if !d.Due().IsZero() || d.Begin(now.Add(time.Minute)) || !d.Unsaved() {
		t.Error("two writes run at a time")
	}
	d.Ended()
	if !d.Begin(now.Add(time.Minute)) || d.Unsaved() || !d.Running() {
		t.Error("the second write is lost")
	}
}
