package delivery

import (
	"container/heap"
	"time"
)

// timer has a subscriber, a filter's rollout or a stream's answer looked at again. Timers are never
// cancelled: looking once too often changes nothing.
type timer struct {
	at time.Time
	u  *sub
	f  *filter
	s  *stream
}

type timers []timer

func (t timers) Len() int           { return len(t) }
func (t timers) Less(i, j int) bool { return t[i].at.Before(t[j].at) }
func (t timers) Swap(i, j int)      { t[i], t[j] = t[j], t[i] }
func (t *timers) Push(x any)        { *t = append(*t, x.(timer)) }

func (t *timers) Pop() any {
	last := len(*t) - 1
	x := (*t)[last]
	(*t)[last] = timer{}
	*t = (*t)[:last]
	return x
}

// Next is when the machine wants [Woken] at the latest; false: no timer is set.
func (m *Machine) Next() (time.Time, bool) {
	if len(m.timers) == 0 {
		return time.Time{}, false
	}
	return m.timers[0].at, true
}

func (m *Machine) wakeSub(u *sub, at time.Time) {
	if u.get().timer.Equal(at) {
		return // already set: a subscriber that is looked at often sets one timer
	}
	u.note().timer = at
	heap.Push(&m.timers, timer{at: at, u: u})
}

func (m *Machine) wakeFilter(f *filter, at time.Time) {
	if f.timer.Equal(at) {
		return
	}
	f.timer = at
	heap.Push(&m.timers, timer{at: at, f: f})
}

// wakeStream has the stream's outstanding answers looked at. The stream has one timer at a time.
// When the timer is over, it is set again for the answer that is outstanding then.
func (m *Machine) wakeStream(s *stream, at time.Time) {
	if s.timed {
		return
	}
	s.timed = true
	heap.Push(&m.timers, timer{at: at, s: s})
}

// wake looks at everything that is due.
func (m *Machine) wake() {
	for len(m.timers) > 0 && !m.timers[0].at.After(m.now) {
		t := heap.Pop(&m.timers).(timer)
		switch {
		case t.s != nil:
			t.s.timed = false
			m.checkAnswer(t.s)
		case t.f != nil:
			m.rollOut(t.f)
			m.lookForSlow(t.f)
			if t.f.told != "" {
				m.change(t.f) // the wait may have another end
			}
		default:
			if r := t.u.rare; r != nil && r.timer.Equal(t.at) {
				r.timer = time.Time{}
			}
			m.touch(t.u)
		}
	}
}
