// Package atomicfile makes files that are there as a whole or not at all,
// whenever the process or the machine stops.
package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"
)

const syncsAtOnce = 16

// prefix begins the name of every file in the making. It is hidden, and no
// final name may begin with it.
const prefix = ".unfinished-"

// File is a file in the making. Exactly one of Commit and Discard ends it;
// Discard after Commit does nothing, so that it can be deferred.
type File struct {
	*os.File
	dir  string
	done bool
}

// Create begins a file in dir, which must exist. Nobody but the process's own
// user can read it before it is committed.
func Create(dir string) (*File, error) {
	f, err := os.CreateTemp(dir, prefix+"*")
	if err != nil {
		return nil, err
	}
	return &File{File: f, dir: dir}, nil
}

// Commit gives the file its mode and its name within the directory, replacing
// what had that name. When it returns nil, the content and the name survive a
// power failure. On an error the file is discarded, and what had the name
// before is untouched, unless only the last step failed: making the new name
// survive a power failure.
func (f *File) Commit(name string, mode fs.FileMode) error {
	if f.done {
		return fmt.Errorf("commit %s: %w", name, os.ErrClosed)
	}
	if name != filepath.Base(name) || strings.HasPrefix(name, prefix) {
		f.Discard()
		return fmt.Errorf("commit %q: not a file name", name)
	}
	// The content first, the name after it: else a crash in between leaves the
	// name on a file whose blocks never reached the disk.
	if err := f.Sync(); err != nil {
		f.Discard()
		return err
	}
	if err := f.CommitUnsynced(name, mode); err != nil {
		return err
	}
	return SyncDir(f.dir)
}

// CommitUnsynced is Commit that does not wait for the disk: the file outlives the
// process, and a power failure only after [Sync]. Before that, a power failure may
// leave the name on other content: it is for content that is verified when it is read.
func (f *File) CommitUnsynced(name string, mode fs.FileMode) error {
	if f.done {
		return fmt.Errorf("commit %s: %w", name, os.ErrClosed)
	}
	if name != filepath.Base(name) || strings.HasPrefix(name, prefix) {
		f.Discard()
		return fmt.Errorf("commit %q: not a file name", name)
	}
	if err := f.Chmod(mode); err != nil {
		f.Discard()
		return err
	}
	if err := f.Close(); err != nil {
		f.Discard()
		return err
	}
	if err := os.Rename(f.Name(), filepath.Join(f.dir, name)); err != nil {
		f.Discard()
		return err
	}
	f.done = true
	return nil
}

// Sync makes files of dir survive a power failure, content and names. Names that
// are gone meanwhile are passed over.
func Sync(dir string, names []string) error {
	var group errgroup.Group
	group.SetLimit(syncsAtOnce) // together they cost the disk little more than one
	for _, name := range names {
		group.Go(func() error {
			f, err := os.Open(filepath.Join(dir, name))
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil {
				return err
			}
			defer f.Close()
			return f.Sync()
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return SyncDir(dir)
}

// Discard removes the file, unless it is committed.
func (f *File) Discard() {
	if f.done {
		return
	}
	f.done = true
	// Nothing can be done about either error: a file that stays behind goes
	// with RemoveLeftovers.
	_ = f.Close()
	_ = os.Remove(f.Name())
}

// RemoveLeftovers removes the files in dir that a stopped process left
// unfinished. No other process may be making files there.
func RemoveLeftovers(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var problems []error
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), prefix) || entry.IsDir() {
			continue
		}
		err := os.Remove(filepath.Join(dir, entry.Name()))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

// SyncDir makes the names in dir survive a power failure: those that came and
// those that went.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	return nil
}
