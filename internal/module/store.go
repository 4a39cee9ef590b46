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
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/wasm-xds/wasm-xds/internal/atomicfile"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// The store's errors, wrapped with the details. A module that is not there is
// [fs.ErrNotExist].
var (
	ErrTooLarge = errors.New("module is too large")
	ErrCorrupt  = errors.New("module does not match its sha256")
	ErrSHA256   = errors.New("not a sha256 of 64 lowercase hex digits")
)

// errStore marks the errors of the store's own files, to tell them from those
// of a module's source.
var errStore = errors.New("module store")

// suffix ends the name of every module's file; Envoy shows the name in its log.
const suffix = ".wasm"

// fileMode lets an Envoy of another user read modules (delivery: file), and
// lets nobody change them: their name says what is in them.
const fileMode = 0o444

// Store keeps modules in one directory, each in a file named by its sha256. It
// is safe for concurrent use within one process; no other process may write to
// its directory. Bytes are checked against their name before they are given
// out, so that a damaged disk is noticed here and not in an Envoy.
type Store struct {
	dir string

	// mu orders what gives a file its age (Put) and what removes old files.
	mu sync.Mutex
	// verified holds what each file was like when its bytes were last seen to
	// match its name.
	verified map[string]stamp
	// unsynced are the modules that a power failure would take.
	unsynced map[string]struct{}
	// verifying makes simultaneous readers of one file wait for one check.
	verifying singleflight.Group
	spare     spare
}

// stamp changes whenever a file's content does.
type stamp struct {
	size  int64
	mtime time.Time
}

func stampOf(info fs.FileInfo) stamp {
	return stamp{size: info.Size(), mtime: info.ModTime()}
}

// OpenStore opens the store in dir, which it makes if it is not there, with
// mode 0755 whatever the umask: Envoys may have to read it. Files that an
// earlier process left unfinished are removed.
func OpenStore(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("%w: %w", errStore, err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errStore, err)
	}
	if info.Mode().Perm()&0o755 != 0o755 {
		if err := os.Chmod(dir, 0o755); err != nil {
			return nil, fmt.Errorf("%w: %w", errStore, err)
		}
	}
	if err := atomicfile.RemoveLeftovers(dir); err != nil {
		return nil, fmt.Errorf("%w: %w", errStore, err)
	}
	return &Store{dir: dir, verified: make(map[string]stamp), unsynced: make(map[string]struct{})}, nil
}

// Put stores what r gives and returns what it is called. What it stores outlives
// the process, and a power failure after [Store.Sync]. It fails with
// [ErrTooLarge] when r has more than limit bytes, with r's own error, or with
// ctx's when that ends between two reads; then nothing is stored. Bytes that
// are in the store already are kept, and count as new for [Store.Collect].
func (s *Store) Put(ctx context.Context, r io.Reader, limit int64) (snapshot.Module, error) {
	return s.put(ctx, r, limit, nil)
}

// put is Put with a check of the bytes, whose error it returns, before they
// get their name.
func (s *Store) put(ctx context.Context, r io.Reader, limit int64, check func(*os.File, snapshot.Module) error) (snapshot.Module, error) {
	f, err := s.spare.take(s.dir)
	if err != nil {
		return snapshot.Module{}, fmt.Errorf("%w: %w", errStore, err)
	}
	defer f.Discard()

	hash := sha256.New()
	// One byte more than the limit tells too large from just large enough.
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

// renew makes a module that is in the store count as new. It is false when the
// store has no such module, or only a damaged one.
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

func (s *Store) commit(f *atomicfile.File, sum string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := f.CommitUnsynced(sum+suffix, fileMode); err != nil {
		return err
	}
	s.unsynced[sum] = struct{}{}
	return s.note(sum)
}

// Sync returns when all modules that were put before survive a power failure. It
// is apart from Put, because the disk may take longer than everything else: bytes
// that are served meanwhile are verified like any others. It also begins the next module's file.
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

// note remembers that the file is as it should be. s.mu is held.
func (s *Store) note(sum string) error {
	info, err := os.Lstat(s.Path(sum))
	if err != nil {
		return err
	}
	s.verified[sum] = stampOf(info)
	return nil
}

// Has says whether a module is there, without looking into its bytes.
func (s *Store) Has(sum string) bool {
	if !snapshot.IsSHA256(sum) {
		return false
	}
	info, err := os.Lstat(s.Path(sum))
	return err == nil && info.Mode().IsRegular()
}

// Path is where a module is, or would be. For what is no sha256 it is "".
func (s *Store) Path(sum string) string {
	if !snapshot.IsSHA256(sum) {
		return ""
	}
	return filepath.Join(s.dir, sum+suffix)
}

// Read gives a module's bytes, verified. Its errors are those of Open.
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
	// The room beyond the size spares the buffer from growing to see the end.
	content := bytes.NewBuffer(make([]byte, 0, info.Size()+bytes.MinRead))
	if _, err := content.ReadFrom(f); err != nil {
		return nil, fmt.Errorf("%w: %w", errStore, err)
	}
	if got := sha256.Sum256(content.Bytes()); hex.EncodeToString(got[:]) != sum {
		return nil, s.remove(sum, f)
	}
	return content.Bytes(), nil
}

// Open opens a module for reading. Its bytes are verified when it is opened for
// the first time, and when the file's size or modification time has changed
// since. It fails with [ErrSHA256], with [fs.ErrNotExist], or with [ErrCorrupt]
// when the bytes are not what their name says; those are removed, so that the
// module can be put again.
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
	// Nothing but a regular file is ever put here; to open something else, a
	// pipe for instance, could block.
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

// verify checks the bytes of f, unless that was done already.
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
		// A section reader leaves the file's own offset where it is.
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

// remove takes a damaged file away, unless a good one has replaced it
// meanwhile, and returns the error that says so.
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

// Collect removes the modules that keep does not name, if they were put longer
// ago than olderThan: one that was put a moment ago may not have got into a
// revision yet. It calls keep without a lock held, and goes on after an error.
func (s *Store) Collect(keep func(sha256 string) bool, olderThan time.Duration) (removed int, err error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", errStore, err)
	}
	before := time.Now().Add(-olderThan) // what is put from now on stays, however long this takes
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
	if err := s.collectImages(entries, olderThan); err != nil {
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
