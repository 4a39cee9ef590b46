//go:build unix

package state

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const lockName = "lock"

// ErrLocked matches every [LockedError] with [errors.Is].
var ErrLocked = errors.New("state directory is in use")

// LockedError means: another server uses the state directory.
type LockedError struct {
	Dir string
	PID int // process id of the lock's owner; 0: unknown
}

// Holder describes the owner of the lock, a process.
func (e *LockedError) Holder() string {
	if e.PID != 0 {
		return fmt.Sprintf("the process %d", e.PID)
	}
	return "another process"
}

// Error names the directory, the process and the next step.
func (e *LockedError) Error() string {
	return fmt.Sprintf("state directory %s is in use by %s (stop it, or choose another with --state-dir)", e.Dir, e.Holder())
}

// Is matches [ErrLocked].
func (e *LockedError) Is(target error) bool { return target == ErrLocked }

// lock keeps other servers away. The lock consists of two locks: of the lock file, which names the
// process, and of the directory itself, since somebody may remove the lock file of a running
// server.
type lock struct {
	file, dir *os.File
	readOnly  bool // the file system is read-only
}

// Close ends the lock.
func (l *lock) Close() error { return errors.Join(l.dir.Close(), l.file.Close()) }

// acquire locks the directory and writes the process id into the lock file. Children do not inherit
// the descriptors, so the lock ends with this process.
func acquire(path string) (*lock, error) {
	file, readOnly, err := acquireFile(path)
	if err != nil {
		return nil, err
	}
	dir, err := os.Open(path)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("state directory: %w", err), file.Close())
	}
	l := &lock{file, dir, readOnly}
	if err := flock(dir); err != nil {
		_ = l.Close() // the error of the lock counts
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, &LockedError{Dir: path}
		}
		return nil, fmt.Errorf("state directory: lock %s: %w", path, err)
	}
	if readOnly {
		return l, nil
	}
	if err := writePID(file); err != nil {
		return nil, errors.Join(fmt.Errorf("state directory: %w", err), l.Close())
	}
	return l, nil
}

// acquireFile locks the lock file.
func acquireFile(dir string) (f *os.File, readOnly bool, err error) {
	path := filepath.Join(dir, lockName)
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, fileMode)
		readOnly := errors.Is(err, unix.EROFS)
		if readOnly {
			var openErr error
			if f, openErr = os.Open(path); openErr == nil { // without a lock file there is no state, either
				err = nil
			}
		}
		if err != nil {
			return nil, false, fmt.Errorf("state directory: %w", err)
		}
		if err := flock(f); err != nil {
			defer f.Close()
			if errors.Is(err, unix.EWOULDBLOCK) {
				return nil, false, &LockedError{Dir: dir, PID: readPID(f)}
			}
			return nil, false, fmt.Errorf("state directory: lock %s: %w", path, err)
		}
		if !isAt(f, path) {
			// Another process removed the file after the open. A lock on a removed file is useless.
			f.Close()
			continue
		}
		return f, readOnly, nil
	}
}

func flock(f *os.File) error {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func isAt(f *os.File, path string) bool {
	opened, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(path)
	return err == nil && os.SameFile(opened, there)
}

func writePID(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

func readPID(f *os.File) int {
	text, err := io.ReadAll(io.LimitReader(f, 32))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid < 0 {
		return 0
	}
	return pid
}
