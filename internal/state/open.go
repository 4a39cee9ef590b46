package state

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/atomicfile"
	"github.com/wasm-xds/wasm-xds/internal/seal"
)

// Options are options of [Open]. The zero value keeps other users out, and seals nothing.
type Options struct {
	// Group is the name or number of a group. The members may enter the directory, but not list the
	// files. The group is for Envoys of other users with modules from there (delivery: file). ""
	// means no group.
	Group string
	// Keys seal the files. nil means plain files.
	Keys *seal.Keys
}

// Open opens the state directory, and creates a missing directory. Only the user of this process
// can enter the directory, and read its files. An existing directory gets these permissions, too;
// see [Dir.Tightened].
//
// Open fails with a [LockedError] if another Dir is open on the directory, in this or another
// process. The lock ends with the process, even after a crash. Open fails with a
// [seal.LockedError], and changes nothing, if a file needs a key missing in the options. Otherwise
// Open writes each file anew, unless the first key has sealed the file.
//
// A directory on a read-only file system opens if a server has used it before. Then every Save and
// Write fails.
func Open(dir string, o Options) (*Dir, error) {
	path, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	group, err := groupOf(o.Group)
	if err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	if err := makeDir(path); err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	lock, err := acquire(path)
	if err != nil {
		return nil, err
	}
	d := &Dir{path: path, now: time.Now, lock: lock, keys: o.Keys}
	if err := d.prepare(group); err != nil {
		_ = lock.Close() // the first error counts
		return nil, fmt.Errorf("state directory: %w", err)
	}
	return d, nil
}

// prepare brings the files of an earlier process into order.
func (d *Dir) prepare(group int) error {
	if err := d.checkKeys(); err != nil {
		return err
	}
	if d.lock.readOnly {
		return nil
	}
	// Only the owner of the lock can be sure: no other process uses the unfinished files.
	if err := atomicfile.RemoveLeftovers(d.path); err != nil {
		return err
	}
	d.tightened = tighten(d.path, group)
	var err error
	d.resealed, err = d.reseal()
	return err
}
