package delivery

import (
	"container/heap"
	"time"
)

// timers has times at which something of type T is to be looked at again. Timers are never
// cancelled: looking once too often changes nothing.
type timers[T any] struct{ heap timerHeap[T] }

type timer[T any] struct {
	at time.Time
	of T
}

// add sets a timer.
func (t *timers[T]) add(at time.Time, of T) { heap.Push(&t.heap, timer[T]{at, of}) }

// next is the time of the earliest timer; false: no timer is set.
func (t *timers[T]) next() (time.Time, bool) {
	if len(t.heap) == 0 {
		return time.Time{}, false
	}
	return t.heap[0].at, true
}

// take takes the earliest timer, if it is due.
func (t *timers[T]) take(now time.Time) (due timer[T], is bool) {
	if len(t.heap) == 0 || t.heap[0].at.After(now) {
		return due, false
	}
	return heap.Pop(&t.heap).(timer[T]), true
}

type timerHeap[T any] []timer[T]

func (t timerHeap[T]) Len() int           { return len(t) }
func (t timerHeap[T]) Less(i, j int) bool { return t[i].at.Before(t[j].at) }
func (t timerHeap[T]) Swap(i, j int)      { t[i], t[j] = t[j], t[i] }
func (t *timerHeap[T]) Push(x any)        { *t = append(*t, x.(timer[T])) }

func (t *timerHeap[T]) Pop() any {
	last := len(*t) - 1
	x := (*t)[last]
	(*t)[last] = timer[T]{}
	*t = (*t)[:last]
	return x
}

// offset is a time since the machine started.
type offset time.Duration
