package dir

import (
	"io/fs"
	"syscall"
)

// openFlags make the open of a named pipe return at once.
const openFlags = syscall.O_NONBLOCK

// system returns the values that only the operating system's structure contains: device and inode,
// and the time of the inode's last change in nanoseconds since 1970.
func system(info fs.FileInfo) (dev, ino uint64, changed int64) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, 0
	}
	return uint64(st.Dev), st.Ino, st.Ctim.Nano() //nolint:unconvert // Dev is narrower on some architectures
}
