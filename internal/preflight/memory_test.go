package preflight

import (
	"testing"

	"github.com/tetratelabs/wazero/experimental"
)

func TestMemoryGrowsInPlaceOrByCopies(t *testing.T) {
	const page = 64 << 10
	memories := map[string]experimental.LinearMemory{
		"heap":     &heapMemory{content: make([]byte, 0, page), maximum: 4 * page},
		"reserved": reserve(4 * page),
	}
	for name, m := range memories {
		t.Run(name, func(t *testing.T) {
			if m == nil {
				t.Skip("this system reserves no memory")
			}
			defer m.Free()
			m.Reallocate(page)[page-1] = 7
			large := m.Reallocate(3 * page)
			if len(large) != 3*page || large[page-1] != 7 || large[3*page-1] != 0 {
				t.Errorf("%d bytes, with %d where there was 7, and %d where there was nothing", len(large), large[page-1], large[3*page-1])
			}
		})
	}
}

func TestMemoryOfNoSize(t *testing.T) {
	m := reserve(0)
	if m == nil {
		t.Skip("this system reserves no memory")
	}
	defer m.Free()
	if got := m.Reallocate(0); len(got) != 0 {
		t.Error(len(got))
	}
}
