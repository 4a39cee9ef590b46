package dir

import (
	"fmt"
	"io/fs"
	"time"
)

// identity identifies a file independent of its path. The zero value means unknown.
type identity struct{ dev, ino uint64 }

// identityOf returns the identity of a file. info may be nil.
func identityOf(info fs.FileInfo) identity {
	if info == nil {
		return identity{}
	}
	dev, ino, _ := system(info)
	return identity{dev: dev, ino: ino}
}

// stamp shows whether a file has changed, without reading the file. statusTime shows changes that
// keep size and modification time: new permissions, and copies that preserve the time.
type stamp struct {
	id         identity
	size       int64
	mode       fs.FileMode
	modified   int64 // nanoseconds since 1970
	statusTime int64 // as modified, for the last change of the inode; 0: unknown
}

func stampOf(info fs.FileInfo) stamp {
	dev, ino, changed := system(info)
	return stamp{
		id: identity{dev: dev, ino: ino}, size: info.Size(), mode: info.Mode(),
		modified: info.ModTime().UnixNano(), statusTime: changed,
	}
}

// String returns the fingerprint of a referenced file.
func (s stamp) String() string {
	return fmt.Sprintf("%d-%d-%d-%x-%d", s.size, s.modified, s.statusTime, s.id.dev, s.id.ino)
}

// racyWindow is the coarsest resolution of a file system's clock (FAT: two seconds).
const racyWindow = 2 * time.Second

// racy reports whether the file may have changed after a read at the given time without a new
// stamp.
func (s stamp) racy(read time.Time) bool {
	for _, t := range []int64{s.modified, s.statusTime} {
		if d := read.Sub(time.Unix(0, t)); d > -racyWindow && d < racyWindow {
			return true
		}
	}
	return false
}
