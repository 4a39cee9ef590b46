package module

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

func newStore(t *testing.T) *Store {
	t.Helper()
	s, err := OpenStore(filepath.Join(t.TempDir(), "modules"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func sumOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

func put(t *testing.T, s *Store, content []byte) string {
	t.Helper()
	m, err := s.Put(t.Context(), bytes.NewReader(content), MaxSize)
	if err != nil {
		t.Fatal(err)
	}
	if m.SHA256 != sumOf(content) || m.Size != int64(len(content)) {
		t.Fatalf("put says %v of %d bytes with %s", m, len(content), sumOf(content))
	}
	return m.SHA256
}

// wantFiles compares the names in the store's directory, including hidden files.
func wantFiles(t *testing.T, s *Store, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	if strings.Join(names, " ") != strings.Join(want, " ") {
		t.Errorf("the store holds %q, want %q", names, want)
	}
}

func TestPutAndRead(t *testing.T) {
	s := newStore(t)
	content := []byte("some module")
	sum := put(t, s, content)
	wantFiles(t, s, sum+".wasm")
	info, err := os.Stat(s.Path(sum))
	if err != nil || info.Mode().Perm() != 0o444 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if info, err := os.Stat(s.dir); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("directory's mode %v, %v", info.Mode(), err)
	}
	if !s.Has(sum) {
		t.Error("the store does not have what was put")
	}
	if got, err := s.Read(sum); err != nil || !bytes.Equal(got, content) {
		t.Errorf("read %q, %v", got, err)
	}
	f, err := s.Open(sum)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got, err := io.ReadAll(f); err != nil || !bytes.Equal(got, content) {
		t.Errorf("opened %q, %v", got, err)
	}
}

func TestStoreOutlivesTheProcess(t *testing.T) {
	s := newStore(t)
	sum := put(t, s, []byte("kept"))
	left := filepath.Join(s.dir, ".unfinished-17")
	if err := os.WriteFile(left, []byte("half a mod"), 0o600); err != nil {
		t.Fatal(err)
	}
	again, err := OpenStore(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	wantFiles(t, again, sum+".wasm")
	if got, err := again.Read(sum); err != nil || string(got) != "kept" {
		t.Errorf("read %q, %v", got, err)
	}
}

func TestPutLimit(t *testing.T) {
	s := newStore(t)
	if _, err := s.Put(t.Context(), strings.NewReader("12345"), 4); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v", err)
	}
	wantFiles(t, s)
	if _, err := s.Put(t.Context(), strings.NewReader("1234"), 4); err != nil {
		t.Errorf("just at the limit: %v", err)
	}
}

func TestPutReadsNoFurtherThanTheLimit(t *testing.T) {
	s := newStore(t)
	endless := &countingReader{r: zeros{}}
	if _, err := s.Put(t.Context(), endless, 1<<16); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v", err)
	}
	if endless.n > 1<<16+1 {
		t.Errorf("read %d bytes", endless.n)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

func TestPutThatFails(t *testing.T) {
	broken := errors.New("broken")
	s := newStore(t)
	_, err := s.Put(t.Context(), io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken)), 100)
	if !errors.Is(err, broken) || errors.Is(err, errStore) {
		t.Errorf("got %v, want the source's error", err)
	}
	wantFiles(t, s)

	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(broken)
	if _, err := s.Put(ctx, zeros{}, 100); !errors.Is(err, broken) {
		t.Errorf("got %v, want the context's cause", err)
	}
	wantFiles(t, s)

	if err := os.Remove(s.dir); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(t.Context(), strings.NewReader("x"), 100); !errors.Is(err, errStore) {
		t.Errorf("got %v, want the store's error", err)
	}
}

func TestHostileSHA256(t *testing.T) {
	s := newStore(t)
	sum := put(t, s, []byte("x"))
	outside := filepath.Join(filepath.Dir(s.dir), strings.Repeat("a", 64)+".wasm")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, hostile := range []string{
		"", "..", "../" + strings.Repeat("a", 64), "../" + strings.Repeat("a", 61), "/" + sum[1:],
		strings.ToUpper(sum), sum + ".wasm", sum[:63], sum + "0", sum[:63] + "\x00", sum[:63] + "g", sum[:63] + "/",
	} {
		if s.Has(hostile) || s.Path(hostile) != "" {
			t.Errorf("has %q at %q", hostile, s.Path(hostile))
		}
		if _, err := s.Read(hostile); !errors.Is(err, ErrSHA256) {
			t.Errorf("read %q: %v", hostile, err)
		}
		if f, err := s.Open(hostile); !errors.Is(err, ErrSHA256) {
			t.Errorf("opened %q: %v, %v", hostile, f, err)
		}
	}
}

func TestMissing(t *testing.T) {
	s := newStore(t)
	sum := sumOf([]byte("x"))
	if s.Has(sum) {
		t.Error("has what was never put")
	}
	if _, err := s.Read(sum); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("read: %v", err)
	}
	if _, err := s.Open(sum); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("open: %v", err)
	}
}

func TestPutTheSameAtOnce(t *testing.T) {
	s := newStore(t)
	content := bytes.Repeat([]byte("module"), 1<<15)
	var putters sync.WaitGroup
	for i := range 16 {
		putters.Go(func() {
			m, err := s.Put(context.Background(), bytes.NewReader(content), MaxSize)
			if err != nil || m.SHA256 != sumOf(content) {
				t.Errorf("%v, %v", m, err)
				return
			}
			// Collect must not remove young modules while other goroutines use them.
			if i%4 == 0 {
				if _, err := s.Collect(func(string) bool { return false }, time.Hour); err != nil {
					t.Error(err)
				}
			}
			if got, err := s.Read(m.SHA256); err != nil || !bytes.Equal(got, content) {
				t.Errorf("read %d bytes, %v", len(got), err)
			}
		})
	}
	putters.Wait()
	wantFiles(t, s, sumOf(content)+".wasm")
}

func TestSyncTakesEachModuleOnce(t *testing.T) {
	s := newStore(t)
	put(t, s, []byte("one"))
	gone := put(t, s, []byte("two"))
	if len(s.unsynced) != 2 {
		t.Fatalf("%d modules are to be synced, want 2", len(s.unsynced))
	}
	if err := os.Remove(s.Path(gone)); err != nil {
		t.Fatal(err)
	}
	if err := s.Sync(); err != nil || len(s.unsynced) != 0 {
		t.Errorf("%d modules are left to be synced: %v", len(s.unsynced), err)
	}
	put(t, s, []byte("one"))
	if len(s.unsynced) != 0 {
		t.Error("a module that is on the disk is to be synced again")
	}
	put(t, s, []byte("three"))
	if err := os.RemoveAll(s.dir); err != nil {
		t.Fatal(err)
	}
	if err := s.Sync(); err == nil || len(s.unsynced) != 1 {
		t.Errorf("%d modules are left to be synced after an error (%v), want 1", len(s.unsynced), err)
	}
}

func TestCollect(t *testing.T) {
	s := newStore(t)
	kept, old, young, renewed := put(t, s, []byte("kept")), put(t, s, []byte("old")), put(t, s, []byte("young")), put(t, s, []byte("renewed"))
	then := time.Now().Add(-2 * time.Hour)
	for _, sum := range []string{kept, old, renewed} {
		if err := os.Chtimes(s.Path(sum), then, then); err != nil {
			t.Fatal(err)
		}
	}
	put(t, s, []byte("renewed"))
	strange := filepath.Join(s.dir, "README")
	if err := os.WriteFile(strange, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(strange, then, then); err != nil {
		t.Fatal(err)
	}
	removed, err := s.Collect(func(sum string) bool { return sum == kept }, time.Hour)
	if err != nil || removed != 1 {
		t.Errorf("removed %d, %v", removed, err)
	}
	for sum, want := range map[string]bool{kept: true, old: false, young: true, renewed: true} {
		if s.Has(sum) != want {
			t.Errorf("%s: has is %t", sum, !want)
		}
	}
	if _, err := os.Stat(strange); err != nil {
		t.Errorf("a file that is no module went: %v", err)
	}
	if removed, err := s.Collect(func(string) bool { return false }, 0); err != nil || removed != 3 {
		t.Errorf("removed %d, %v", removed, err)
	}
}
