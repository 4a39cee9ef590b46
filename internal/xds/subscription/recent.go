package subscription

import (
	"sync"
	"time"
)

// idleAfter is how long, up to twice, an unused value is kept: the streams of a fleet that connects
// again come within a minute.
const idleAfter = time.Minute

// recent has the last few values in use. The zero value is empty. Safe for concurrent use.
type recent[T any] struct {
	mu     sync.Mutex
	last   [4]slot[T]
	next   int
	sweeps bool // a sweep is due
}

type slot[T any] struct {
	value *T
	used  bool // since the last sweep
}

// first returns the first value accepted by is; nil: none.
func (r *recent[T]) first(is func(*T) bool) *T {
	r.mu.Lock()
	last := r.last
	r.mu.Unlock()
	for i, one := range last {
		if one.value != nil && is(one.value) {
			r.use(i, one.value)
			return one.value
		}
	}
	return nil
}

// use notes the use of a value, unless another has taken its place.
func (r *recent[T]) use(at int, value *T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last[at].value == value {
		r.last[at].used = true
	}
}

// keep puts a value in the place of the oldest.
func (r *recent[T]) keep(one *T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last[r.next] = slot[T]{one, true}
	r.next = (r.next + 1) % len(r.last)
	r.sweepLater()
}

// sweepLater is called with mu locked.
func (r *recent[T]) sweepLater() {
	if !r.sweeps {
		r.sweeps = true
		time.AfterFunc(idleAfter, r.sweep)
	}
}

// sweep drops the values without a use since the last sweep. A client's long list would otherwise
// stay for as long as no other list comes.
func (r *recent[T]) sweep() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sweeps = false
	for i := range r.last {
		if one := &r.last[i]; one.used {
			one.used = false
			r.sweepLater()
		} else {
			*one = slot[T]{}
		}
	}
}
