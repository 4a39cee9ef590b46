package atomicfile_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/atomicfile"
)

func TestCommit(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "name")
	for _, content := range []string{"first", "second"} {
		f := create(t, dir, content)
		if _, err := os.Stat(path); content == "first" && !errors.Is(err, os.ErrNotExist) {
			t.Fatalf("the name is there before the commit: %v", err)
		}
		if err := f.Commit("name", 0o444); err != nil {
			t.Fatal(err)
		}
		f.Discard()
		if got, err := os.ReadFile(path); err != nil || string(got) != content {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o444 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	wantNames(t, dir, "name")
}

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	for _, text := range []string{"first", "second"} {
		if err := atomicfile.WriteFile(path, []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != text {
			t.Errorf("%q, %v", got, err)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o640 {
		t.Errorf("mode %v", info.Mode())
	}
	wantNames(t, dir, "a")
	if err := atomicfile.WriteFile(filepath.Join(dir, "missing", "a"), nil, 0o640); err == nil {
		t.Error("a file is written into a missing directory")
	}
}

func TestSync(t *testing.T) {
	dir := t.TempDir()
	names := []string{"gone"}
	for i := range 100 {
		name := fmt.Sprint("file", i)
		if err := create(t, dir, name).CommitUnsynced(name, 0o400); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if err := atomicfile.Sync(dir, names); err != nil {
		t.Error(err)
	}
	if err := atomicfile.Sync(filepath.Join(dir, "none"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a directory that is not there: %v", err)
	}
}

func TestDiscard(t *testing.T) {
	dir := t.TempDir()
	f := create(t, dir, "x")
	f.Discard()
	f.Discard()
	if err := f.Commit("name", 0o600); !errors.Is(err, os.ErrClosed) {
		t.Fatalf("commit after discard: %v", err)
	}
	wantNames(t, dir)
}

func TestCommitFails(t *testing.T) {
	for _, name := range []string{"", ".", "..", "a/b", "../x", "/x", ".unfinished-1", "directory"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			// A rename cannot replace a directory that is not empty.
			if err := os.MkdirAll(filepath.Join(dir, "directory", "full"), 0o755); err != nil {
				t.Fatal(err)
			}
			f := create(t, dir, "x")
			if err := f.Commit(name, 0o600); err == nil {
				t.Fatal("no error")
			}
			wantNames(t, dir, "directory")
		})
	}
}

func TestCommitOfAClosedFile(t *testing.T) {
	dir := t.TempDir()
	f := create(t, dir, "x")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit("name", 0o600); err == nil {
		t.Fatal("committed what cannot be synced")
	}
	wantNames(t, dir)
}

func TestRemoveLeftovers(t *testing.T) {
	dir := t.TempDir()
	left := create(t, dir, "x")
	defer left.Close()
	for _, name := range []string{"kept", ".hidden", "x.unfinished-1"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := atomicfile.RemoveLeftovers(dir); err != nil {
		t.Fatal(err)
	}
	wantNames(t, dir, ".hidden", "kept", "x.unfinished-1")
}

func create(t *testing.T, dir, content string) *atomicfile.File {
	t.Helper()
	f, err := atomicfile.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(content); err != nil {
		t.Fatal(err)
	}
	return f
}

func wantNames(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(want) {
		t.Fatalf("got %v, want %v", entries, want)
	}
	for i, entry := range entries {
		if entry.Name() != want[i] {
			t.Errorf("got %v, want %v", entries, want)
		}
	}
}
