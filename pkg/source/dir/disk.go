package dir

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
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

// isDir reports whether a directory is at path, perhaps through a link.
func (d disk) isDir(path string) bool {
	info, err := d.stat(path)
	return err == nil && info.IsDir()
}

// limits bound the cost of a directory.
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

// missing reports whether err means the file does not exist.
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
