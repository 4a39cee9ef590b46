package xds

import (
	"slices"
	"sync"
)

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

// packs are packed lists of versions: many streams come to the same list.
type packs struct{ recent[pack] }

// pack is a packed list of all names and versions of a stream. Immutable.
type pack struct {
	of   subscribed
	info []byte
}

// find returns the list for exactly the same names and versions; nil: the list is not known.
func (p *packs) find(s *subscribed) []byte {
	one := p.first(func(one *pack) bool {
		return slices.Equal(one.of.versions, s.versions) && slices.Equal(one.of.names, s.names)
	})
	if one == nil {
		return nil
	}
	return one.info
}

// keep keeps the list of a SotW stream. The names in the list are never changed in place.
func (p *packs) keep(s *subscribed, info []byte) {
	p.recent.keep(&pack{of: subscribed{names: s.names, versions: slices.Clone(s.versions)}, info: info})
}
