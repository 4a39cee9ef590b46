package subscription

import "sync"

// recent has the last few values that streams of a fleet have in common. The zero value has none.
type recent[T any] struct {
	mu   sync.Mutex
	last [4]*T
	next int
}

// first returns the first value accepted by is; nil: none.
func (r *recent[T]) first(is func(*T) bool) *T {
	r.mu.Lock()
	last := r.last
	r.mu.Unlock()
	for _, one := range last {
		if one != nil && is(one) {
			return one
		}
	}
	return nil
}

// keep puts a value in the place of the oldest.
func (r *recent[T]) keep(one *T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last[r.next] = one
	r.next = (r.next + 1) % len(r.last)
}
