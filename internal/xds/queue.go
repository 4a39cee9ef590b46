package xds

import (
	"slices"
	"sync"
)

// queue has the responses that go-control-plane's loop has not taken yet. R is go-control-plane's
// type of a response, Response or DeltaResponse. The loop takes responses from a channel, the
// watch. In SotW the loop gives up a watch, with the response inside, when the next request comes
// first. So a response stays in the queue until the loop has taken the response.
//
// The zero value is empty and has no watch. Any goroutine may call put, and the loop calls the
// other methods.
type queue[R any] struct {
	mu      sync.Mutex
	waiting []R
	watch   chan<- R // nil: the loop takes no response
	offered bool     // the first waiting response is in the watch
}

// put adds a response. put does not block.
func (q *queue[R]) put(r R) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, r)
	q.offer()
}

// open begins a watch, or goes on with the former watch. A new watch is empty.
func (q *queue[R]) open(watch chan<- R, isNew bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.watch = watch
	if isNew {
		q.offered = false
	}
	q.offer()
}

// close ends the watch: nothing more is put into the channel.
func (q *queue[R]) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.watch = nil
}

// take removes the first waiting response, which the loop has taken out of the watch. If the loop
// goesOn with the same watch, the next response follows at once.
func (q *queue[R]) take(goesOn bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting, q.offered = shrink(slices.Delete(q.waiting, 0, 1)), false
	if !goesOn {
		q.watch = nil
		return
	}
	q.offer()
}

// offer puts the first waiting response into the watch. mu is locked. A watch has room for a
// response. Without room, the response would wait for the next request, and nobody would block.
func (q *queue[R]) offer() {
	if q.watch == nil || q.offered || len(q.waiting) == 0 {
		return
	}
	select {
	case q.watch <- q.waiting[0]:
		q.offered = true
	default:
	}
}
