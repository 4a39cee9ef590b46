package dir

import (
	"io/fs"
	"syscall"
)

// openFlags make the open of a named pipe return at once.
const openFlags = syscall.O_NONBLOCK

// system returns the values that only the operating system's structure contains.
func system(info fs.FileInfo) (id identity, changed int64) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return identity{}, 0
	}
	return identity{dev: uint64(st.Dev), ino: st.Ino}, st.Ctim.Nano() //nolint:unconvert // Dev is narrower on some architectures
}
