// Package state stores small files in the server's state directory. The files survive crashes, and
// a lock prevents a second server from using the same directory.
//
// frame.go and record.go are the forms of files, lock.go locks the directory, and modes.go closes
// the directory to other users. Above, state.go has [Dir] with the files, sealed.go seals the files
// of an earlier server, and open.go puts a directory into order.
package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/atomicfile"
	"github.com/wasm-xds/wasm-xds/internal/seal"
)

// keptCorrupt is how many damaged files are kept per name.
const keptCorrupt = 3

// fileName matches valid file names: not hidden, and within the directory.
var fileName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// Dir is an open state directory, safe for concurrent use.
type Dir struct {
	path string
	now  func() time.Time

	// Close and the moving of damaged files lock mu and wait for all Saves. Saves share mu: Saves
	// of different names do not wait for each other, so a large file does not delay small files.
	mu      sync.RWMutex
	saving  sync.Map // name to *sync.Mutex
	records sync.Map // name to *record
	lock    *lock    // nil after Close

	keys      *seal.Keys
	tightened Tightened
	resealed  int
}

// DefaultDir returns the default state directory: the first path in $STATE_DIRECTORY, which systemd
// sets for a unit with StateDirectory=; else $XDG_STATE_HOME/wasm-xds; else
// ~/.local/state/wasm-xds. Relative paths in these variables are ignored.
func DefaultDir() (string, error) {
	if first, _, _ := strings.Cut(os.Getenv("STATE_DIRECTORY"), ":"); filepath.IsAbs(first) {
		return first, nil
	}
	if base := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(base) {
		return filepath.Join(base, "wasm-xds"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("no state directory: %w", err)
	}
	return filepath.Join(home, ".local", "state", "wasm-xds"), nil
}

// Tightened says which permissions Open has taken away.
func (d *Dir) Tightened() Tightened { return d.tightened }

// Resealed is the number of files written anew by Open, because they were sealed with another key
// or not at all.
func (d *Dir) Resealed() int { return d.resealed }

// ReadOnly says whether the file system of the directory is read-only.
func (d *Dir) ReadOnly() bool { return d.lock != nil && d.lock.readOnly }

// Path joins elem to the directory's absolute path without any check. Use it for fixed names only.
func (d *Dir) Path(elem ...string) string {
	return filepath.Join(append([]string{d.path}, elem...)...)
}

// Close unlocks the directory for another server. A second Close does nothing.
func (d *Dir) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.lock == nil {
		return nil
	}
	// The lock ends with the last descriptor. The lock file stays, because without the file two
	// servers could lock two files of the same name.
	err := d.lock.Close()
	d.lock = nil
	for _, r := range d.records.Range {
		err = errors.Join(err, r.(*record).close())
	}
	return err
}

// Save stores data under a name. When Save returns nil, a later Load returns the data, even after a
// crash of the process or the machine. After an error or a crash during Save, Load returns the
// previous data. A name consists of letters, digits, dots, dashes and underscores, begins with a
// letter or a digit, and has at most 100 characters.
func (d *Dir) Save(name string, data []byte) error {
	if err := checkName(name); err != nil {
		return err
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	one, _ := d.saving.LoadOrStore(name, new(sync.Mutex))
	mutex, _ := one.(*sync.Mutex)
	mutex.Lock()
	defer mutex.Unlock()
	sealed := d.keys.Seal(data)
	if err := d.save(name, header(sealed), sealed); err != nil {
		return fmt.Errorf("save %s: %w", d.Path(name), err)
	}
	return nil
}

// Write is like Save, but does not wait for the disk. The data survives the end of the process at
// once, and a power failure only after [Dir.Sync]. Use either Save or Write for a name, never both.
func (d *Dir) Write(name string, data []byte) error {
	if err := checkName(name); err != nil {
		return err
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	// Without the lock the files belong to another server.
	if d.lock == nil {
		return fmt.Errorf("write %s: %w", d.Path(name), fs.ErrClosed)
	}
	if err := d.record(name).write(d.path, name, d.keys.Seal(data)); err != nil {
		return fmt.Errorf("write %s: %w", d.Path(name), err)
	}
	return nil
}

func (d *Dir) record(name string) *record {
	r, _ := d.records.LoadOrStore(name, new(record))
	one, _ := r.(*record)
	return one
}

// Sync makes all earlier writes under the name survive a power failure before it returns.
func (d *Dir) Sync(name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	if err := d.record(name).sync(func(framed []byte) error { return d.save(name+syncedName, framed) }); err != nil {
		return fmt.Errorf("sync %s: %w", d.Path(name), err)
	}
	return nil
}

// save writes the parts of a frame in turn, so the data need not be copied.
func (d *Dir) save(name string, parts ...[]byte) error {
	// Without the lock the files belong to another server.
	if d.lock == nil {
		return fs.ErrClosed
	}
	f, err := atomicfile.Create(d.path)
	if err != nil {
		return err
	}
	defer f.Discard()
	for _, part := range parts {
		if _, err := f.Write(part); err != nil {
			return err
		}
	}
	return f.Commit(name, fileMode)
}

// Load returns the last data saved or written under a name. Load fails with [fs.ErrNotExist] if
// there is no data, and with [ErrCorrupt] if the data is damaged. Load then renames a damaged file
// of Save to <name>.corrupt-<time>, so the next Load fails with [fs.ErrNotExist]. The files of
// Write stay in place.
func (d *Dir) Load(name string) ([]byte, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.lock == nil {
		return nil, fmt.Errorf("load %s: %w", d.Path(name), fs.ErrClosed)
	}
	data, _, err := loadRecord(d.path, name)
	if err == nil {
		return d.open(name, data)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	content, err := os.ReadFile(d.Path(name))
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	data, err = unframe(content)
	if err == nil {
		data, err = d.open(name, data)
	}
	if !errors.Is(err, ErrCorrupt) {
		return data, err
	}
	err = fmt.Errorf("load %s: %w", d.Path(name), err)
	aside, moveErr := d.moveAside(name, content)
	if moveErr != nil {
		return nil, errors.Join(err, moveErr)
	}
	return nil, fmt.Errorf("%w; it is kept as %s", err, aside)
}

// open returns the data of a file.
func (d *Dir) open(name string, data []byte) ([]byte, error) {
	data, err := d.keys.Open(data)
	if errors.Is(err, seal.ErrDamaged) {
		err = fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.Path(name), err)
	}
	return data, nil
}

// Peek reads the last data of Save from a state directory, which may be in use. Peek takes no lock
// and changes nothing. Peek fails with [fs.ErrNotExist] if there is no data, with [ErrCorrupt] if
// the file is damaged, and with a [seal.LockedError] if the file needs another key.
func Peek(dir, name string, keys *seal.Keys) ([]byte, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	content, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return nil, fmt.Errorf("read the state: %w", err)
	}
	data, err := unframe(content)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", filepath.Join(dir, name), err)
	}
	if data, err = keys.Open(data); err != nil {
		return nil, fmt.Errorf("read %s: %w", filepath.Join(dir, name), err)
	}
	return data, nil
}

// moveAside renames a damaged file and returns its new name. With keys, the content is sealed.
func (d *Dir) moveAside(name string, content []byte) (string, error) {
	// The time has a fixed width, so the order of names is the order of times.
	aside := name + corruptInfix + d.now().UTC().Format("20060102T150405.000000000Z")
	if err := os.Rename(d.Path(name), d.Path(aside)); err != nil {
		return "", err
	}
	if d.keys.First() != "" {
		sealed := d.keys.Seal(content)
		if err := d.save(aside, header(sealed), sealed); err != nil {
			return "", err
		}
	}
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return "", err
	}
	var all []string
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), name+corruptInfix) {
			all = append(all, entry.Name())
		}
	}
	slices.Sort(all)
	var problems []error
	for len(all) > keptCorrupt {
		problems = append(problems, os.Remove(d.Path(all[0])))
		all = all[1:]
	}
	problems = append(problems, atomicfile.SyncDir(d.path))
	return aside, errors.Join(problems...)
}

func checkName(name string) error {
	if !fileName.MatchString(name) || name == lockName || strings.Contains(name, corruptInfix) {
		return fmt.Errorf("state: %q is not a name for a file", name)
	}
	return nil
}
