package state

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestSaveAndLoad(t *testing.T) {
	d := openDir(t, filepath.Join(t.TempDir(), "a", "b"))
	if _, err := d.Load("x.json"); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("load of nothing: %v", err)
	}
	for _, data := range []string{"", "{}\n", "\n\n", strings.Repeat("x", 1<<20), "short"} {
		if err := d.Save("x.json", []byte(data)); err != nil {
			t.Fatal(err)
		}
		got, err := d.Load("x.json")
		if err != nil || string(got) != data {
			t.Fatalf("got %.20q, %v, want %.20q", got, err, data)
		}
	}
	wantMode(t, d.Path(), 0o700)
	wantMode(t, d.Path("x.json"), 0o600)
}

func TestHostileNames(t *testing.T) {
	parent := t.TempDir()
	d := openDir(t, filepath.Join(parent, "state"))
	if err := os.WriteFile(filepath.Join(parent, "outside"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	names := []string{
		"", ".", "..", "../outside", "a/b", "/etc/passwd", ".hidden", "lock", "a\x00b", "a\n", "x.corrupt-1",
		strings.Repeat("a", 101), "ü", "-rf",
	}
	for _, name := range names {
		if err := d.Save(name, nil); err == nil {
			t.Errorf("saved %q", name)
		}
		if _, err := d.Load(name); err == nil || errors.Is(err, ErrCorrupt) {
			t.Errorf("loaded %q: %v", name, err)
		}
	}
	wantNames(t, parent, "outside", "state")
	wantNames(t, d.Path(), "lock")
}

func TestDamage(t *testing.T) {
	d := openDir(t, t.TempDir())
	if err := d.Save("x", []byte("some content\nof two lines")); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(d.Path("x"))
	if err != nil {
		t.Fatal(err)
	}
	damaged := map[string][]byte{"grown": append(bytes.Clone(whole), 'x'), "swapped": []byte("another file")}
	for i := range whole {
		damaged[fmt.Sprint("cut at ", i)] = whole[:i]
		flipped := bytes.Clone(whole)
		flipped[i] ^= 1
		damaged[fmt.Sprint("flipped at ", i)] = flipped
	}
	clock := time.Unix(0, 0)
	d.now = func() time.Time { clock = clock.Add(time.Second); return clock }
	for what, content := range damaged {
		if err := os.WriteFile(d.Path("x"), content, 0o600); err != nil {
			t.Fatal(err)
		}
		if data, err := d.Load("x"); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("%s: loaded %q, %v", what, data, err)
		}
		if _, err := d.Load("x"); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("%s: the damaged file is still in its place: %v", what, err)
		}
		kept, err := os.ReadFile(d.Path("x.corrupt-" + clock.UTC().Format("20060102T150405.000000000Z")))
		if err != nil || !bytes.Equal(kept, content) {
			t.Fatalf("%s: kept %q, %v", what, kept, err)
		}
	}
	entries, err := os.ReadDir(d.Path())
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1+keptCorrupt {
		t.Errorf("damaged files pile up: %v", entries)
	}
}

func TestLeftovers(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, ".unfinished-123"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	openDir(t, dir)
	wantNames(t, dir, "lock")
}

func TestSaveThatFailsKeepsWhatWasThere(t *testing.T) {
	d := openDir(t, t.TempDir())
	if err := d.Save("x", []byte("old")); err != nil {
		t.Fatal(err)
	}
	// A directory at the target makes the rename fail, and represents any failing step.
	if err := os.MkdirAll(d.Path("y", "full"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := d.Save("y", []byte("new")); err == nil {
		t.Fatal("no error")
	}
	wantNames(t, d.Path(), "lock", "x", "y")
	if got, err := d.Load("x"); err != nil || string(got) != "old" {
		t.Fatalf("got %q, %v", got, err)
	}
}

func TestClosed(t *testing.T) {
	d := openDir(t, t.TempDir())
	if err := d.Save("x", nil); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := d.Save("x", []byte("late")); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("save: %v", err)
	}
	if _, err := d.Load("x"); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("load: %v", err)
	}
	// Another Dir can open the directory now.
	openDir(t, d.Path())
}

func TestDefaultDir(t *testing.T) {
	t.Setenv("HOME", "/home/someone")
	t.Setenv("STATE_DIRECTORY", "")
	for base, want := range map[string]string{
		"":          "/home/someone/.local/state/wasm-xds",
		"relative":  "/home/someone/.local/state/wasm-xds",
		"/var/here": "/var/here/wasm-xds",
	} {
		t.Setenv("XDG_STATE_HOME", base)
		if got, err := DefaultDir(); err != nil || got != want {
			t.Errorf("with %q: %q, %v, want %q", base, got, err, want)
		}
	}
}

func TestDefaultDirIsTheUnits(t *testing.T) {
	t.Setenv("STATE_DIRECTORY", "/var/lib/wasm-xds:/var/lib/other")
	t.Setenv("XDG_STATE_HOME", "/var/here")
	if got, err := DefaultDir(); err != nil || got != "/var/lib/wasm-xds" {
		t.Errorf("%q, %v", got, err)
	}
}

func FuzzUnframe(f *testing.F) {
	f.Add([]byte("x"), []byte("y"))
	f.Add([]byte(nil), []byte("wasm-xds-state/1 sha256: size:0\n"))
	f.Fuzz(func(t *testing.T, data, hostile []byte) {
		got, err := unframe(frame(data))
		if err != nil || !bytes.Equal(got, data) {
			t.Fatalf("got %q, %v, want %q", got, err, data)
		}
		if data, err := unframe(hostile); err == nil && !bytes.Equal(frame(data), hostile) {
			t.Fatalf("%q was taken for %q", hostile, data)
		}
	})
}

func wantMode(t *testing.T, path string, want fs.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != want {
		t.Errorf("%s has mode %v, want %v", path, info.Mode().Perm(), want)
	}
}

func wantNames(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	if strings.Join(names, " ") != strings.Join(want, " ") {
		t.Errorf("%s holds %q, want %q", dir, names, want)
	}
}
