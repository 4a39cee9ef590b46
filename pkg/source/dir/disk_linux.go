package dir

import (
	"io/fs"
	"syscall"
)

// openFlags keep an open of a named pipe from waiting for its writer.
const openFlags = syscall.O_NONBLOCK

// system gives what only the operating system's own structure has.
func system(info fs.FileInfo) (id identity, changed int64) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return identity{}, 0
	}
	return identity{dev: uint64(st.Dev), ino: st.Ino}, st.Ctim.Nano() //nolint:unconvert // Dev is narrower on some architectures
}
