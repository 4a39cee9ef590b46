package engine

import (
	"context"

	"github.com/tetratelabs/wazero/experimental"
)

// WithMemory gives modules their memory from the system, reserved up to its limit at once. The
// memory takes room only after it is written to, growing costs nothing, and the garbage collector
// ignores it.
func WithMemory(ctx context.Context) context.Context {
	return experimental.WithMemoryAllocator(ctx, experimental.MemoryAllocatorFunc(
		func(capacity, maximum uint64) experimental.LinearMemory {
			if m := reserve(maximum); m != nil {
				return m
			}
			return &heapMemory{content: make([]byte, 0, capacity), maximum: maximum}
		}))
}

// heapMemory is for systems that cannot reserve memory. It grows by doubling.
type heapMemory struct {
	content []byte
	maximum uint64
}

// Reallocate implements [experimental.LinearMemory]. Memory never shrinks, so the bytes beyond the
// content are zero.
func (m *heapMemory) Reallocate(size uint64) []byte {
	if size <= uint64(cap(m.content)) {
		m.content = m.content[:size]
		return m.content
	}
	larger := make([]byte, size, max(size, min(2*uint64(cap(m.content)), m.maximum)))
	copy(larger, m.content)
	m.content = larger
	return larger
}

// Free implements [experimental.LinearMemory].
func (m *heapMemory) Free() { m.content = nil }
