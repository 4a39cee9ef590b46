// Package regular reads regular files with a limit on their size, and keeps the files that a
// document names within given directories.
//
// regular.go has [Open] and [Read], for any regular file. Above, bounds.go has [Bounds], which adds
// the directories.
package regular

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

var (
	// ErrNotRegular marks the error for a directory, a pipe, a device or a socket.
	ErrNotRegular = errors.New("it is no regular file")
	// ErrTooLarge marks the error for a file beyond the limit.
	ErrTooLarge = errors.New("it is too large")
)

// openFlags let the open of a named pipe return at once. Without O_NONBLOCK it waits for a writer.
const openFlags = os.O_RDONLY | syscall.O_NONBLOCK

// Open opens a regular file for reading. It follows links. Its errors are [fs.PathError], as all
// errors of this package but [OutsideError].
func Open(path string) (*os.File, fs.FileInfo, error) {
	f, err := os.OpenFile(path, openFlags, 0)
	return checked(path, f, err)
}

// Read returns the content of a regular file of at most limit bytes. Errors never quote the
// content.
func Read(path string, limit int64) ([]byte, error) {
	f, _, err := Open(path)
	return readAll(path, f, limit, err)
}

// ReadAll returns the rest of a stream of at most limit bytes.
func ReadAll(r io.Reader, limit int64) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, limit+1)) // the byte more tells a file that is too large
	if err == nil && int64(len(text)) > limit {
		err = fmt.Errorf("%w: it has more than %d bytes", ErrTooLarge, limit)
	}
	if err != nil {
		return nil, err
	}
	return text, nil
}

// checked closes an open file again unless it is a regular file. The check looks at the open file,
// so nobody can replace the file after the check.
func checked(path string, f *os.File, err error) (*os.File, fs.FileInfo, error) {
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: path, Err: fmt.Errorf("%w but %s", ErrNotRegular, kindOf(info))}
	}
	if err != nil {
		_ = f.Close() // the first error counts
		return nil, nil, err
	}
	return f, info, nil
}

// readAll reads a file, unless its open has failed, and closes it.
func readAll(path string, f *os.File, limit int64, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // nothing is written
	text, err := ReadAll(f, limit)
	if errors.Is(err, ErrTooLarge) {
		return nil, &fs.PathError{Op: "read", Path: path, Err: err}
	}
	return text, err
}

func kindOf(info fs.FileInfo) string {
	switch mode := info.Mode(); {
	case mode.IsDir():
		return "a directory"
	case mode&fs.ModeNamedPipe != 0:
		return "a pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	default:
		return "something else"
	}
}
