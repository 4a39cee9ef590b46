package xds

import (
	"slices"
	"sync"
)

// recent are the last few of what streams of a fleet have in common. The zero value has none.
type recent[T any] struct {
	mu   sync.Mutex
	last [4]*T
	next int
}

// first gives one of them; nil: none is it.
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

// keep keeps one in the place of the oldest.
func (r *recent[T]) keep(one *T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last[r.next] = one
	r.next = (r.next + 1) % len(r.last)
}

// packs are packed lists of versions: many streams come to the same.
type packs struct{ recent[pack] }

// pack is a packed list of all that a stream asks for. It is immutable.
type pack struct {
	of   subscribed
	info []byte
}

// find gives the list of the very names and versions; nil: it is not known.
func (p *packs) find(s *subscribed) []byte {
	one := p.first(func(one *pack) bool {
		return slices.Equal(one.of.versions, s.versions) && slices.Equal(one.of.names, s.names)
	})
	if one == nil {
		return nil
	}
	return one.info
}

// keep keeps the list of a SotW stream, whose names never change.
func (p *packs) keep(s *subscribed, info []byte) {
	p.recent.keep(&pack{of: subscribed{names: s.names, versions: slices.Clone(s.versions)}, info: info})
}
