package preflight

import (
	"context"

	"github.com/tetratelabs/wazero/experimental"
)

// withMemory has modules get their memory in steps that double: wazero would copy
// what there is each time that a module takes some more.
func withMemory(ctx context.Context) context.Context {
	return experimental.WithMemoryAllocator(ctx, experimental.MemoryAllocatorFunc(
		func(capacity, maximum uint64) experimental.LinearMemory {
			return &linearMemory{content: make([]byte, 0, capacity), maximum: maximum}
		}))
}

type linearMemory struct {
	content []byte
	maximum uint64
}

// Reallocate implements [experimental.LinearMemory]. Memory never shrinks, so that
// what is beyond the content is zero.
func (m *linearMemory) Reallocate(size uint64) []byte {
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
func (m *linearMemory) Free() { m.content = nil }
