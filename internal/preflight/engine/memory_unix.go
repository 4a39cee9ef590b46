//go:build linux || darwin

package engine

import (
	"math"

	"github.com/tetratelabs/wazero/experimental"
	"golang.org/x/sys/unix"
)

// mappedMemory is reserved address space. The system provides a page at the first write to it.
// See docs/RATIONALE.md#why-is-a-modules-memory-mapped-and-not-allocated.
type mappedMemory []byte

// reserve returns nil if the system does not have that much address space.
func reserve(maximum uint64) experimental.LinearMemory {
	if maximum > math.MaxInt {
		return nil
	}
	// A memory of size zero is legal, but cannot be mapped.
	space, err := unix.Mmap(-1, 0, max(int(maximum), 1), unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
	if err != nil {
		return nil
	}
	return mappedMemory(space)
}

// Reallocate implements [experimental.LinearMemory].
func (m mappedMemory) Reallocate(size uint64) []byte {
	if size > uint64(len(m)) {
		return nil
	}
	return m[:size:len(m)]
}

// Free implements [experimental.LinearMemory]. The module is closed: nothing uses its memory any
// more.
func (m mappedMemory) Free() { _ = unix.Munmap(m) } // it is mapped
