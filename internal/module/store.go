package module

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/wasm-xds/wasm-xds/internal/atomicfile"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// suffix is the suffix of all module files. Envoy shows the file name in its log.
const suffix = ".wasm"

// Store keeps modules in a directory, each in a file named by its sha256. A Store is safe for
// concurrent use within one process. No other process may write to the directory. The store
// verifies bytes before each use, so damage on the disk is noticed before the bytes reach an
// Envoy.
// See docs/RATIONALE.md#why-is-the-file-store-content-addressed-and-verified-on-read.
type Store struct {
	dir string

	// mu keeps Put, which sets a file's age, and Collect, which removes old files, apart.
	mu sync.Mutex
	// verified has the stamp of each file at its last successful verification.
	verified map[string]stamp
	// unsynced are the modules that would not survive a power failure.
	unsynced map[string]struct{}
	// verifying lets concurrent readers of one file share one verification.
	verifying singleflight.Group
	spare     spare
	notes     notes // on images
}

// OpenStore opens the store in dir, and creates dir if necessary. The directory has mode 0755
// independent of the umask, because Envoys may read it. OpenStore removes unfinished files of an
// earlier process.
func OpenStore(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("%w: %w", errStore, err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errStore, err)
	}
	if info.Mode().Perm()&0o755 != 0o755 {
		err = os.Chmod(dir, 0o755)
	}
	err = errors.Join(err, atomicfile.RemoveLeftovers(dir))
	if err != nil && !errors.Is(err, syscall.EROFS) { // modules can be served from a read-only disk
		return nil, fmt.Errorf("%w: %w", errStore, err)
	}
	return &Store{dir: dir, notes: notes{dir}, verified: make(map[string]stamp), unsynced: make(map[string]struct{})}, nil
}

// Put stores the content of r and returns the module's identity. The module survives the end of the
// process at once, and a power failure after [Store.Sync].
//
// Put fails with [ErrTooLarge] if r has more than limit bytes, with r's own error, or with ctx's
// error if ctx ends between two reads. After an error nothing is stored. If the store has the
// module already, the module counts as new for [Store.Collect].
func (s *Store) Put(ctx context.Context, r io.Reader, limit int64) (snapshot.Module, error) {
	return s.put(ctx, r, limit, nil)
}

// put is Put with a check of the bytes before the file gets its name. put returns the check's
// error.
func (s *Store) put(ctx context.Context, r io.Reader, limit int64, check func(*os.File, snapshot.Module) error) (snapshot.Module, error) {
	f, err := s.spare.take(s.dir)
	if err != nil {
		return snapshot.Module{}, fmt.Errorf("%w: %w", errStore, err)
	}
	defer f.Discard()

	hash := sha256.New()
	// One byte beyond the limit distinguishes "too large" from "just large enough".
	source := &sourceReader{ctx: ctx, r: io.LimitReader(r, limit+1)}
	size, err := io.Copy(io.MultiWriter(f, hash), source)
	switch {
	case source.err != nil:
		return snapshot.Module{}, source.err
	case err != nil:
		return snapshot.Module{}, fmt.Errorf("%w: %w", errStore, err)
	case size > limit:
		return snapshot.Module{}, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, limit)
	}
	m := snapshot.Module{SHA256: hex.EncodeToString(hash.Sum(nil)), Size: size}
	if check != nil {
		if err := check(f.File, m); err != nil {
			return snapshot.Module{}, err
		}
	}
	if s.renew(m.SHA256) {
		return m, nil
	}
	if err := s.commit(f, m.SHA256); err != nil {
		return snapshot.Module{}, fmt.Errorf("%w: %w", errStore, err)
	}
	return m, nil
}

// renew makes a stored module count as new. The result is false if the module is missing or
// damaged.
func (s *Store) renew(sum string) bool {
	f, err := s.Open(sum)
	if err != nil {
		return false
	}
	defer f.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	path := s.Path(sum)
	info, err := os.Lstat(path)
	if err != nil || s.verified[sum] != stampOf(info) {
		return false
	}
	now := time.Now()
	if err := os.Chtimes(path, now, now); err != nil {
		return false
	}
	return s.note(sum) == nil
}

// known returns the module if the store has an intact copy. The module then counts as new, so
// Collect keeps it until a revision names it.
func (s *Store) known(sum string) (snapshot.Module, bool) {
	if !s.renew(sum) {
		return snapshot.Module{}, false
	}
	info, err := os.Stat(s.Path(sum))
	if err != nil {
		return snapshot.Module{}, false
	}
	return snapshot.Module{SHA256: sum, Size: info.Size()}, true
}

func (s *Store) commit(f *atomicfile.File, sum string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := f.CommitUnsynced(sum+suffix, fileMode); err != nil {
		return err
	}
	s.unsynced[sum] = struct{}{}
	return s.note(sum)
}

// Sync makes all modules of earlier Puts survive a power failure. Sync is separate from Put because
// the disk may be slow. Until then the modules are served and verified like all others. Sync also
// creates the spare file for the next module.
// See docs/RATIONALE.md#when-are-modules-synced-to-disk.
func (s *Store) Sync() error {
	defer s.spare.make(s.dir)
	s.mu.Lock()
	sums := s.unsynced
	s.unsynced = map[string]struct{}{}
	s.mu.Unlock()
	if len(sums) == 0 {
		return nil
	}
	names := make([]string, 0, len(sums))
	for sum := range sums {
		names = append(names, sum+suffix)
	}
	err := atomicfile.Sync(s.dir, names)
	if err != nil {
		s.mu.Lock()
		maps.Copy(s.unsynced, sums)
		s.mu.Unlock()
		return fmt.Errorf("%w: %w", errStore, err)
	}
	return nil
}

// note remembers that the file is intact. The caller must hold s.mu.
func (s *Store) note(sum string) error {
	info, err := os.Lstat(s.Path(sum))
	if err != nil {
		return err
	}
	s.verified[sum] = stampOf(info)
	return nil
}

// Has reports whether a module's file exists, without a verification.
func (s *Store) Has(sum string) bool {
	if !snapshot.IsSHA256(sum) {
		return false
	}
	info, err := os.Lstat(s.Path(sum))
	return err == nil && info.Mode().IsRegular()
}

// Path returns the path of a module's file, whether or not the file exists. For an invalid sha256
// the path is "".
func (s *Store) Path(sum string) string {
	if !snapshot.IsSHA256(sum) {
		return ""
	}
	return filepath.Join(s.dir, sum+suffix)
}

// Read returns a module's verified bytes. Its errors are the errors of Open.
func (s *Store) Read(sum string) ([]byte, error) {
	f, err := s.open(sum)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errStore, err)
	}
	// The extra capacity lets the buffer see the end of the file without growing.
	content := bytes.NewBuffer(make([]byte, 0, info.Size()+bytes.MinRead))
	if _, err := content.ReadFrom(f); err != nil {
		return nil, fmt.Errorf("%w: %w", errStore, err)
	}
	if got := sha256.Sum256(content.Bytes()); hex.EncodeToString(got[:]) != sum {
		return nil, s.remove(sum, f)
	}
	return content.Bytes(), nil
}

// Open opens a module for reading. Open verifies the bytes at the first opening, and again after
// the file's size or modification time has changed. It fails with [ErrSHA256], with
// [fs.ErrNotExist], or with [ErrCorrupt] if the bytes do not match the name. Open removes a corrupt
// file, so the module can be put again.
func (s *Store) Open(sum string) (*os.File, error) {
	f, err := s.open(sum)
	if err != nil {
		return nil, err
	}
	if err := s.verify(sum, f); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (s *Store) open(sum string) (*os.File, error) {
	path := s.Path(sum)
	if path == "" {
		return nil, fmt.Errorf("%w: %q: %w", errStore, sum, ErrSHA256)
	}
	// The store contains only regular files. Opening anything else, for example a pipe, could
	// block.
	info, err := os.Lstat(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errStore, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: %s is not a regular file: %w", errStore, path, ErrCorrupt)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errStore, err)
	}
	return f, nil
}

// verify checks the bytes of f, unless the current content is already verified.
func (s *Store) verify(sum string, f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("%w: %w", errStore, err)
	}
	now := stampOf(info)
	s.mu.Lock()
	known, ok := s.verified[sum]
	s.mu.Unlock()
	if ok && known == now {
		return nil
	}
	key := fmt.Sprint(sum, now.size, now.mtime.UnixNano())
	_, err, _ = s.verifying.Do(key, func() (any, error) {
		hash := sha256.New()
		// A section reader does not move the file's own offset.
		if _, err := io.Copy(hash, io.NewSectionReader(f, 0, now.size)); err != nil {
			return nil, fmt.Errorf("%w: %w", errStore, err)
		}
		if hex.EncodeToString(hash.Sum(nil)) != sum {
			return nil, s.remove(sum, f)
		}
		s.mu.Lock()
		s.verified[sum] = now
		s.mu.Unlock()
		return nil, nil
	})
	return err
}

// remove removes a damaged file, unless an intact file has replaced the file meanwhile. It returns
// the [ErrCorrupt] for the caller.
func (s *Store) remove(sum string, damaged *os.File) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := fmt.Errorf("%w: %s: %w", errStore, sum, ErrCorrupt)
	path := s.Path(sum)
	there, statErr := os.Lstat(path)
	opened, openedErr := damaged.Stat()
	if statErr != nil || openedErr != nil || !os.SameFile(there, opened) {
		return err
	}
	delete(s.verified, sum)
	if removeErr := os.Remove(path); removeErr != nil {
		return errors.Join(err, removeErr)
	}
	return err
}

// Collect removes the modules that keep rejects and that were put longer ago than olderThan. A
// recent module may not be part of a revision yet. Collect calls keep without holding a lock, and
// continues after an error.
func (s *Store) Collect(keep func(sha256 string) bool, olderThan time.Duration) (removed int, err error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", errStore, err)
	}
	before := time.Now().Add(-olderThan) // so modules that are put during this call stay
	var problems []error
	for _, entry := range entries {
		sum, isModule := strings.CutSuffix(entry.Name(), suffix)
		if !isModule || !snapshot.IsSHA256(sum) || keep(sum) {
			continue
		}
		gone, err := s.removeOld(sum, before)
		if err != nil {
			problems = append(problems, fmt.Errorf("%w: %w", errStore, err))
		}
		if gone {
			removed++
		}
	}
	if err := s.notes.collect(entries, olderThan, s.Has); err != nil {
		problems = append(problems, fmt.Errorf("%w: %w", errStore, err))
	}
	return removed, errors.Join(problems...)
}

func (s *Store) removeOld(sum string, before time.Time) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	path := s.Path(sum)
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if !info.Mode().IsRegular() || info.ModTime().After(before) {
		return false, nil
	}
	if err := os.Remove(path); err != nil {
		return false, err
	}
	delete(s.verified, sum)
	return true, nil
}

// imageOf returns the note for a digest in a registry, if there is a valid note.
func (s *Store) imageOf(digest string) (image, bool) { return s.notes.read(digest) }

// noteImage stores the note for a digest in a registry.
func (s *Store) noteImage(digest string, i image) error { return s.notes.write(digest, i) }

// Close removes the spare file. Put still works after Close.
func (s *Store) Close() { s.spare.close() }
