//go:build linux || darwin

package preflight

import (
	"math"

	"github.com/tetratelabs/wazero/experimental"
	"golang.org/x/sys/unix"
)

// mappedMemory is address space whose pages the system gives when they are first written to.
// See docs/RATIONALE.md#why-is-a-modules-memory-mapped-and-not-allocated.
type mappedMemory []byte

// reserve returns nil where the system has not that much address space.
func reserve(maximum uint64) experimental.LinearMemory {
	if maximum > math.MaxInt {
		return nil
	}
	// Nothing can be mapped that has no size, but such a memory may be had.
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

// Free implements [experimental.LinearMemory]. The module is closed: nobody has
// its memory any more.
func (m mappedMemory) Free() { _ = unix.Munmap(m) } // it is mapped
