package delivery

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// step has the time, and the work that a step has still to do: the streams to look at and the
// timers. It collects the results of the step: the actions, the filters with another status, and
// whether the memory has changed.
type step struct {
	now     time.Time
	started time.Time // of the machine
	actions []Action
	changes []*filter // see [changed]
	persist bool

	streams []*stream // to look at before the step ends
	looked  buffer[*stream]
	timers  timers[due]
}

// due is a subscriber, a filter's rollout or a stream's answer that is to be looked at.
type due struct {
	u *sub
	f *filter
	s *stream
}

// begin starts a step, and drops the last step's actions. Time never runs backwards.
func (t *step) begin(now time.Time) {
	t.actions = cleared(t.actions, someKeys)
	if now.After(t.now) {
		t.now = now
	}
}

// tell adds an action.
func (t *step) tell(a Action) { t.actions = append(t.actions, a) }

// save has the memory persisted.
func (t *step) save() { t.persist = true }

// takeSave says whether the memory has to be persisted, and starts anew.
func (t *step) takeSave() bool {
	is := t.persist
	t.persist = false
	return is
}

// change notes that the status of a filter may differ after the step.
func (t *step) change(f *filter) {
	if f.changed.set(true) {
		t.changes = append(t.changes, f)
	}
}

// tellChanges adds the actions about the changed filters, sorted by name. before is called for each
// filter before.
func (t *step) tellChanges(before func(*filter)) {
	slices.SortFunc(t.changes, func(a, b *filter) int { return strings.Compare(a.name, b.name) })
	for i, f := range t.changes {
		f.changed.set(false)
		before(f)
		if i == 0 || t.changes[i-1].name != f.name { // else the filter was dropped and made anew
			t.tell(f.changed.action)
		}
	}
	t.changes = cleared(t.changes, someKeys)
}

// touch has the subscriber looked at before the step ends.
func (t *step) touch(u *sub) {
	if u.closed || u.queued {
		return
	}
	u.s.enqueue(u)
	t.touchStream(u.s)
}

// touchFilter has all subscribers of a filter looked at.
func (t *step) touchFilter(f *filter) {
	t.change(f)
	for _, u := range f.subs {
		t.touch(u)
	}
}

// touchStream has the stream looked at before the step ends.
func (t *step) touchStream(s *stream) {
	if s.setQueued(true) {
		t.streams = append(t.streams, s)
	}
}

// eachStream looks at the touched streams, sorted by id. A look may touch streams for the next
// step.
func (t *step) eachStream(look func(*stream)) {
	all := t.streams
	t.streams = t.looked.take()
	slices.SortFunc(all, func(a, b *stream) int { return cmp.Compare(a.id, b.id) })
	for _, s := range all {
		s.setQueued(false)
		if !s.ended {
			look(s)
		}
	}
	t.looked.give(all, cap(all))
}

// setState sets a subscriber's state.
func (t *step) setState(u *sub, s State, p *Problem) {
	if u.setState(s, p, t.offset(t.now)) {
		t.change(u.f)
	}
}

func (t *step) offset(at time.Time) offset { return offset(at.Sub(t.started)) }
func (t *step) at(o offset) time.Time      { return t.started.Add(time.Duration(o)) }

// wakeSub has a subscriber looked at at that time.
func (t *step) wakeSub(u *sub, at time.Time) {
	if u.setTimer(at) {
		t.timers.add(at, due{u: u})
	}
}

// wakeFilter has a filter's rollout looked at at that time.
func (t *step) wakeFilter(f *filter, at time.Time) {
	if f.setLook(at) {
		t.timers.add(at, due{f: f})
	}
}

// wakeStream has the stream's outstanding answers looked at. The stream has one timer at a time.
// When the timer is over, it is set again for the answer that is outstanding then.
func (t *step) wakeStream(s *stream, at time.Time) {
	if s.setTimed(true) {
		t.timers.add(at, due{s: s})
	}
}
