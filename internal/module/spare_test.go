package module

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// unfinished lists the unfinished files.
func unfinished(t *testing.T, s *Store) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(s.dir, ".unfinished-*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestNextModuleTakesTheFileThatIsBegun(t *testing.T) {
	s := newStore(t)
	sum := put(t, s, []byte("first"))
	if err := s.Sync(); err != nil {
		t.Fatal(err)
	}
	begun := unfinished(t, s)
	if len(begun) != 1 {
		t.Fatalf("begun: %q", begun)
	}
	before, err := os.Stat(begun[0])
	if err != nil {
		t.Fatal(err)
	}
	second := put(t, s, []byte("second"))
	after, err := os.Stat(s.Path(second))
	if err != nil {
		t.Fatal(err)
	}
	if !os.SameFile(before, after) || after.Mode().Perm() != fileMode {
		t.Errorf("another file, or of mode %v", after.Mode())
	}
	for sum, want := range map[string]string{sum: "first", second: "second"} {
		if got, err := s.Read(sum); err != nil || !bytes.Equal(got, []byte(want)) {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
	if names := unfinished(t, s); len(names) > 0 {
		t.Errorf("left: %q", names)
	}
}

func TestFileThatWasBegunMayGo(t *testing.T) {
	s := newStore(t)
	if err := s.Sync(); err != nil {
		t.Fatal(err)
	}
	for _, name := range unfinished(t, s) {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	sum := put(t, s, []byte("content"))
	if got, err := s.Read(sum); err != nil || string(got) != "content" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestCloseLeavesNothingBegun(t *testing.T) {
	s := newStore(t)
	for range 2 { // a make after close creates no file
		if err := s.Sync(); err != nil {
			t.Fatal(err)
		}
		s.Close()
		if names := unfinished(t, s); len(names) > 0 {
			t.Errorf("left: %q", names)
		}
	}
}
