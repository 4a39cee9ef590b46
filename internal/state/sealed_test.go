package state

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/seal"
)

const canary = "CANARY-of-a-configuration"

func keysOf(t *testing.T, numbers ...byte) *seal.Keys {
	t.Helper()
	var text strings.Builder
	for _, b := range numbers {
		if b == 0 {
			text.WriteString("plain\n")
			continue
		}
		text.WriteString(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, seal.KeySize)) + "\n")
	}
	path := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	k, _, err := seal.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// plainFiles returns the names of the files with the canary.
func plainFiles(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte(canary)) {
			names = append(names, e.Name())
		}
	}
	return names
}

// write writes the files of a server: a file of Save, and a record with a longer former content.
func write(t *testing.T, d *Dir, number string) {
	t.Helper()
	for range 3 {
		must(t, d.Write("record", []byte(canary+strings.Repeat("x", 1000))))
	}
	must(t, d.Write("record", []byte(canary+number)))
	must(t, d.Sync("record"))
	must(t, d.Save("state", []byte(canary+number)))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func damage(t *testing.T, d *Dir) {
	t.Helper()
	must(t, d.Save("damaged", []byte(canary)))
	path := d.Path("damaged")
	text, err := os.ReadFile(path)
	must(t, err)
	must(t, os.WriteFile(path, append(text, canary...), 0o600))
	if _, err := d.Load("damaged"); !errors.Is(err, ErrCorrupt) {
		t.Fatal(err)
	}
}

// Sealing is turned on, the key is rotated, and sealing is turned off. Each step keeps the
// contents, and a step with another key changes nothing.
func TestSealedState(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	open := func(keys *seal.Keys, resealed int) *Dir {
		t.Helper()
		d, err := Open(dir, Options{Keys: keys})
		must(t, err)
		if d.Resealed() != resealed {
			t.Errorf("%d files are sealed anew, want %d", d.Resealed(), resealed)
		}
		return d
	}
	refused := func(keys *seal.Keys) {
		t.Helper()
		before := contentOf(t, dir)
		_, err := Open(dir, Options{Keys: keys})
		var locked *seal.LockedError
		if !errors.As(err, &locked) {
			t.Errorf("the error is %v", err)
		}
		if err := CheckKeys(dir, keys); !errors.As(err, &locked) {
			t.Errorf("the error of CheckKeys is %v", err)
		}
		if _, err := Peek(dir, "state", keys); !errors.As(err, &locked) {
			t.Errorf("the error of Peek is %v", err)
		}
		if after := contentOf(t, dir); after != before {
			t.Errorf("files have changed:\n%s\nbefore:\n%s", after, before)
		}
	}
	has := func(d *Dir, number string) {
		t.Helper()
		wantLoad(t, d, "state", canary+number)
		wantLoad(t, d, "record", canary+number)
		text, err := Peek(dir, "state", d.keys)
		if err != nil || string(text) != canary+number {
			t.Errorf("Peek: %.50q, %v", text, err)
		}
	}

	d := open(nil, 0)
	write(t, d, "1")
	damage(t, d)
	must(t, d.Close())

	d = open(keysOf(t, 1), 3)
	if names := plainFiles(t, dir); len(names) > 0 {
		t.Errorf("plain files: %v", names)
	}
	has(d, "1")
	write(t, d, "2")
	damage(t, d)
	if names := plainFiles(t, dir); len(names) > 0 {
		t.Errorf("plain files: %v", names)
	}
	must(t, d.Close())
	for _, keys := range []*seal.Keys{nil, keysOf(t, 2), keysOf(t, 0, 2)} {
		refused(keys)
	}

	d = open(keysOf(t, 2, 1), 4) // state, record, and two damaged files
	has(d, "2")
	must(t, d.Close())
	refused(keysOf(t, 1))
	d = open(keysOf(t, 2), 0)
	has(d, "2")
	must(t, d.Close())

	d = open(keysOf(t, 0, 2), 4)
	has(d, "2")
	must(t, d.Close())
	d = open(nil, 0)
	has(d, "2")
	must(t, d.Close())
}

// A changed sealed file is put aside, as any damaged file is.
func TestAChangedSealedFileIsDamaged(t *testing.T) {
	dir := t.TempDir()
	keys := keysOf(t, 1)
	d, err := Open(dir, Options{Keys: keys})
	must(t, err)
	defer d.Close()
	sealed := keys.Seal([]byte(canary))
	sealed[len(sealed)-1] ^= 1
	must(t, os.WriteFile(d.Path("state"), frame(sealed), 0o600))
	if _, err := d.Load("state"); !errors.Is(err, ErrCorrupt) {
		t.Errorf("the error is %v", err)
	}
	if _, err := d.Load("state"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the second error is %v", err)
	}
}

func contentOf(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		must(t, err)
		if e.Name() != lockName {
			all.WriteString(e.Name() + ": " + string(text) + "\n")
		}
	}
	return all.String()
}
