//go:build linux || darwin

package engine

import (
	"testing"
)

func TestReservedMemoryGrowsInPlace(t *testing.T) {
	m := reserve(4 * PageSize)
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
