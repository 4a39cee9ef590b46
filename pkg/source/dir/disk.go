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

// disk is the part of the file system that the source uses. Tests replace the functions to inject
// faults.
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

// limits bound the cost of one directory.
type limits struct {
	depth    int   // levels of sub-directories
	dirs     int   // directories in total
	files    int   // spec files in total
	fileSize int64 // bytes of one spec file
}

func defaultLimits() limits {
	return limits{depth: 16, dirs: 10_000, files: 100_000, fileSize: 1 << 20}
}

var (
	errTooLarge   = errors.New("the file is too large")
	errNotRegular = errors.New("not a regular file")
)

// readFile reads a regular file of at most limit bytes. A named pipe in the file's place does not
// block readFile.
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

// identity identifies a file independent of its path. The zero value means unknown.
type identity struct{ dev, ino uint64 }

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

// missing reports whether err means that the file does not exist.
func missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// reason returns the text of err without the path, which the message already contains.
func reason(err error) string {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err.Error()
	}
	return err.Error()
}
