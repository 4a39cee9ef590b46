package dir

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// disk is what is asked of the file system; tests put faults into it.
type disk struct {
	lstat    func(path string) (fs.FileInfo, error)
	stat     func(path string) (fs.FileInfo, error)
	readlink func(path string) (string, error)
	readDir  func(path string) ([]fs.DirEntry, error)
	readFile func(path string, limit int64) ([]byte, error)
}

func realDisk() disk {
	return disk{lstat: os.Lstat, stat: os.Stat, readlink: os.Readlink, readDir: os.ReadDir, readFile: readFile}
}

// limits bound what one directory can cost.
type limits struct {
	depth    int   // of sub-directories below the directory
	dirs     int   // directories in all
	files    int   // spec files in all
	fileSize int64 // of one spec file, in bytes
}

func defaultLimits() limits {
	return limits{depth: 16, dirs: 10_000, files: 100_000, fileSize: 1 << 20}
}

var (
	errTooLarge   = errors.New("the file is too large")
	errNotRegular = errors.New("not a regular file")
)

// readFile reads a regular file of at most limit bytes. A named pipe that has
// taken the file's place does not block it.
func readFile(path string, limit int64) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // read only
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errNotRegular
	}
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(text)) > limit {
		return nil, errTooLarge
	}
	return text, nil
}

// identity names a file whatever its path. The zero value is unknown.
type identity struct{ dev, ino uint64 }

// stamp is what tells two states of a file apart without reading it. The
// change time sees what keeps size and modification time: copies that
// preserve them, and permissions.
type stamp struct {
	id         identity
	size       int64
	mode       fs.FileMode
	modified   int64 // nanoseconds since 1970
	statusTime int64 // likewise, of the last change of the inode; 0 when unknown
}

func stampOf(info fs.FileInfo) stamp {
	id, changed := system(info)
	return stamp{id: id, size: info.Size(), mode: info.Mode(), modified: info.ModTime().UnixNano(), statusTime: changed}
}

func identityOf(info fs.FileInfo) identity {
	if info == nil {
		return identity{}
	}
	id, _ := system(info)
	return id
}

// String is the fingerprint of a referenced file.
func (s stamp) String() string {
	return fmt.Sprintf("%d-%d-%d-%x-%d", s.size, s.modified, s.statusTime, s.id.dev, s.id.ino)
}

// racyWindow is how coarse a file system's clock may be (FAT: two seconds).
const racyWindow = 2 * time.Second

// racy says whether the file could have changed after it was read at the given
// time and still have the same stamp.
func (s stamp) racy(read time.Time) bool {
	for _, t := range []int64{s.modified, s.statusTime} {
		if d := read.Sub(time.Unix(0, t)); d > -racyWindow && d < racyWindow {
			return true
		}
	}
	return false
}

// missing says whether err means that there is no such file.
func missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// reason is err without the path, which the message around it has.
func reason(err error) string {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err.Error()
	}
	return err.Error()
}
