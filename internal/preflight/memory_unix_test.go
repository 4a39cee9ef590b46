//go:build linux || darwin

package preflight

import (
	"testing"
)

func TestReservedMemoryGrowsInPlace(t *testing.T) {
	m := reserve(4 * pageSize)
	if m == nil {
		t.Fatal("nothing is reserved")
	}
	growsAndKeeps(t, m)
}

func TestReservedMemoryOfNoSize(t *testing.T) {
	m := reserve(0)
	if m == nil {
		t.Fatal("nothing is reserved")
	}
	defer m.Free()
	if got := m.Reallocate(0); len(got) != 0 {
		t.Error(len(got))
	}
}
