// Package atomicfile writes files that appear completely or not at all, even if the process or the
// machine stops in between.
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

// prefix begins the name of every unfinished file. The dot hides these files, and no final name may
// begin with the prefix.
const prefix = ".unfinished-"

// File is an unfinished file. Exactly one of Commit and Discard ends the file. Discard after Commit
// does nothing, so callers can defer Discard.
type File struct {
	*os.File
	dir  string
	done bool
}

// Create begins a file in dir, which must exist. Until the commit, only the user of this process
// can read the file.
func Create(dir string) (*File, error) {
	f, err := os.CreateTemp(dir, prefix+"*")
	if err != nil {
		return nil, err
	}
	return &File{File: f, dir: dir}, nil
}

// Commit gives the file its mode and its name within the directory, and replaces any file with this
// name. When Commit returns nil, the content and the name survive a power failure.
//
// On an error, Commit discards the file and leaves the previous file with this name untouched. The
// last step is the exception: if the sync of the directory fails, the new file has its name
// already.
func (f *File) Commit(name string, mode fs.FileMode) error {
	if f.done {
		return fmt.Errorf("commit %s: %w", name, os.ErrClosed)
	}
	if name != filepath.Base(name) || strings.HasPrefix(name, prefix) {
		f.Discard()
		return fmt.Errorf("commit %q: not a file name", name)
	}
	// Write the content to disk before the name. Otherwise a crash in between leaves the name on a
	// file without its blocks on the disk.
	if err := f.Sync(); err != nil {
		f.Discard()
		return err
	}
	if err := f.CommitUnsynced(name, mode); err != nil {
		return err
	}
	return SyncDir(f.dir)
}

// WriteFile replaces the file at a path by data as a whole, as Create and Commit do. The directory
// must exist.
func WriteFile(path string, data []byte, mode fs.FileMode) error {
	f, err := Create(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer f.Discard()
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Commit(filepath.Base(path), mode)
}

// CommitUnsynced is like Commit, but does not wait for the disk. The file survives the end of the
// process at once, and a power failure only after [Sync]. A power failure before that may leave the
// name on other content, so callers must verify the content when they read the file.
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

// Sync makes the content and the names of files in dir survive a power failure. Sync skips names
// that no longer exist.
func Sync(dir string, names []string) error {
	var group errgroup.Group
	group.SetLimit(syncsAtOnce) // concurrent syncs cost the disk little more than a single sync
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
	// Both errors are ignored: RemoveLeftovers removes a file that stays behind.
	_ = f.Close()
	_ = os.Remove(f.Name())
}

// RemoveLeftovers removes the unfinished files that a stopped process left in dir. No other process
// may be writing files to dir at the same time.
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

// SyncDir makes all changes of names in dir survive a power failure.
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
