package engine

import (
	"testing"

	"github.com/tetratelabs/wazero/experimental"
)

func TestHeapMemoryGrowsByCopies(t *testing.T) {
	growsAndKeeps(t, &heapMemory{content: make([]byte, 0, PageSize), maximum: 4 * PageSize})
}

func growsAndKeeps(t *testing.T, m experimental.LinearMemory) {
	t.Helper()
	defer m.Free()
	m.Reallocate(PageSize)[PageSize-1] = 7
	large := m.Reallocate(3 * PageSize)
	if len(large) != 3*PageSize || large[PageSize-1] != 7 || large[3*PageSize-1] != 0 {
		t.Errorf("%d bytes, with %d where there was 7, and %d where there was nothing", len(large), large[PageSize-1], large[3*PageSize-1])
	}
}
