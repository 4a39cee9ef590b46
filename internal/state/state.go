// Package state keeps small files that survive crashes in the server's state
// directory, and keeps a second server out of it.
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
)

// ErrCorrupt is wrapped by [Dir.Load]'s error when a file is damaged.
var ErrCorrupt = errors.New("file is damaged")

const (
	// fileMode hides what the files hold: plugin configurations are among it.
	fileMode = 0o600
	// keptCorrupt is how many damaged files of one name stay for a look at them.
	keptCorrupt = 3
	// corruptInfix stands between a damaged file's name and its time.
	corruptInfix = ".corrupt-"
)

// fileName is what a file may be called: nothing hidden, no way out of the directory.
var fileName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// Dir is an open state directory. It is safe for concurrent use.
type Dir struct {
	path string
	now  func() time.Time

	// mu has Close and the moving of damaged files wait for each Save, and Saves of
	// different names not for each other: the large state must not hold up small files.
	mu      sync.RWMutex
	saving  sync.Map // of each name's *sync.Mutex
	records sync.Map // of each name's *record
	lock    *os.File // nil once closed
}

// DefaultDir is the state directory where none is named. It is the first of $STATE_DIRECTORY, which systemd
// sets for a unit with StateDirectory=; else $XDG_STATE_HOME/wasm-xds; else ~/.local/state/wasm-xds.
// A path that is not absolute counts as not set.
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

// Open opens the state directory, which it makes if it is not there. The
// directory itself is readable for all (an Envoy of another user may have to
// reach the modules in it), the files that are saved in it are not. It fails
// with a [LockedError] when another Dir is open on it, in this process or
// another; the lock goes with the process, however that ends.
func Open(dir string) (*Dir, error) {
	path, err := filepath.Abs(dir)
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
	// Only the owner of the lock knows that no unfinished file is in use.
	if err := atomicfile.RemoveLeftovers(path); err != nil {
		lock.Close()
		return nil, fmt.Errorf("state directory: %w", err)
	}
	return &Dir{path: path, now: time.Now, lock: lock}, nil
}

// makeDir makes the directory with mode 0755, whatever the umask. One that is
// there keeps the mode that its owner gave it.
func makeDir(path string) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if err := os.MkdirAll(path, 0o755); err != nil {
		return err
	}
	return os.Chmod(path, 0o755)
}

// Path joins elem to the directory's absolute path. It is meant for fixed
// names; it checks nothing.
func (d *Dir) Path(elem ...string) string {
	return filepath.Join(append([]string{d.path}, elem...)...)
}

// Close gives the directory free for another server. Closing again does nothing.
func (d *Dir) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.lock == nil {
		return nil
	}
	// The lock goes with the last descriptor. The file stays: to remove it
	// would let two servers lock two files of one name.
	err := d.lock.Close()
	d.lock = nil
	for _, r := range d.records.Range {
		err = errors.Join(err, r.(*record).close())
	}
	return err
}

// Save stores data under a name. When it returns nil, a later Load gives the
// data, whatever happens to process and machine; on an error or a crash it
// gives what was saved before. A name is a file name of letters, digits, dots,
// dashes and underscores that begins with a letter or a digit.
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
	if err := d.save(name, header(data), data); err != nil {
		return fmt.Errorf("save %s: %w", d.Path(name), err)
	}
	return nil
}

// Write is Save that does not wait for the disk: the data outlives the process, and
// a power failure only after [Dir.Sync]. A name is either saved or written, always.
func (d *Dir) Write(name string, data []byte) error {
	if err := checkName(name); err != nil {
		return err
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	// Without the lock the files are another server's.
	if d.lock == nil {
		return fmt.Errorf("write %s: %w", d.Path(name), fs.ErrClosed)
	}
	if err := d.record(name).write(d, name, data); err != nil {
		return fmt.Errorf("write %s: %w", d.Path(name), err)
	}
	return nil
}

// Sync returns when what was written under the name before survives a power failure.
func (d *Dir) Sync(name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	if err := d.record(name).sync(d, name); err != nil {
		return fmt.Errorf("sync %s: %w", d.Path(name), err)
	}
	return nil
}

// save writes the parts of a frame, of which the larger need not be copied.
func (d *Dir) save(name string, parts ...[]byte) error {
	// Without the lock the files are another server's.
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

// Load gives what was last saved or written under a name. It fails with [fs.ErrNotExist]
// when nothing was, and with [ErrCorrupt] when the file is not as it was saved;
// the file is then kept beside its place as <name>.corrupt-<time>, so that the
// next Load says [fs.ErrNotExist].
func (d *Dir) Load(name string) ([]byte, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.lock == nil {
		return nil, fmt.Errorf("load %s: %w", d.Path(name), fs.ErrClosed)
	}
	data, _, err := d.loadRecord(name)
	if !errors.Is(err, fs.ErrNotExist) {
		return data, err
	}
	content, err := os.ReadFile(d.Path(name))
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	data, err = unframe(content)
	if err == nil {
		return data, nil
	}
	err = fmt.Errorf("load %s: %w", d.Path(name), err)
	aside, moveErr := d.moveAside(name)
	if moveErr != nil {
		return nil, errors.Join(err, moveErr)
	}
	return nil, fmt.Errorf("%w; it is kept as %s", err, aside)
}

// Peek reads what was last saved under a name in a state directory that may be in
// use: it takes no lock and changes nothing. It fails with [fs.ErrNotExist] when nothing was saved,
// and with [ErrCorrupt] when the file is damaged.
func Peek(dir, name string) ([]byte, error) {
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
	return data, nil
}

// moveAside takes a damaged file out of the way, and returns its new name.
func (d *Dir) moveAside(name string) (string, error) {
	// Sorted by name is sorted by time: the form has a fixed width.
	aside := name + corruptInfix + d.now().UTC().Format("20060102T150405.000000000Z")
	if err := os.Rename(d.Path(name), d.Path(aside)); err != nil {
		return "", err
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
