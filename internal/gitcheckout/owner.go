package gitcheckout

import (
	"io/fs"
	"os"
	"syscall"
)

// ownerOf returns the user of a file; -1: not known.
func ownerOf(info fs.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid)
	}
	return -1
}

// trusted reports whether the repository of a user may speak for a file: the repository of root, of
// this process's user and of the file's own user. In a directory for everybody, as /tmp, any user
// could make a repository above a foreign file.
func trusted(owner int, file fs.FileInfo) bool {
	return owner >= 0 && (owner == 0 || owner == os.Geteuid() || owner == ownerOf(file))
}
