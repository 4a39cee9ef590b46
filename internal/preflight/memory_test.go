package preflight

import (
	"testing"

	"github.com/tetratelabs/wazero/experimental"
)

func TestHeapMemoryGrowsByCopies(t *testing.T) {
	growsAndKeeps(t, &heapMemory{content: make([]byte, 0, pageSize), maximum: 4 * pageSize})
}

func growsAndKeeps(t *testing.T, m experimental.LinearMemory) {
	t.Helper()
	defer m.Free()
	m.Reallocate(pageSize)[pageSize-1] = 7
	large := m.Reallocate(3 * pageSize)
	if len(large) != 3*pageSize || large[pageSize-1] != 7 || large[3*pageSize-1] != 0 {
		t.Errorf("%d bytes, with %d where there was 7, and %d where there was nothing", len(large), large[pageSize-1], large[3*pageSize-1])
	}
}
