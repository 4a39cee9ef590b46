package dir

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/pkg/source"
)

// TestAnyOrderOfChanges makes random changes. Events alone must lead to the same set as a new
// source.
func TestAnyOrderOfChanges(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 1))
			base := t.TempDir()
			dir := filepath.Join(base, "filters")
			w := watch(t, New(Config{Dir: dir, Decode: fakeDecode, Rescan: -1}))
			before := w.next()
			last := whole(before)
			followed := 0
			for round := range 40 {
				for range 1 + r.IntN(6) {
					change(r, dir, base)
				}
				want := fresh(dir)
				for last != want {
					select {
					case s := <-w.sets:
						last = whole(s)
						if d := s.Differs; d != nil && source.SameReferences(d.From, before.References) {
							followed++
							checkDifference(t, before, s)
						}
						before = s
					case <-timeout():
						t.Fatalf("round %d: the last set was\n%s\nwant\n%s", round, last, want)
					}
				}
			}
			if followed == 0 {
				t.Error("no set said how it differs from the one before")
			}
		})
	}
}

// checkDifference compares a set's Differs with its References.
func checkDifference(t *testing.T, before, now source.Set) {
	t.Helper()
	all := maps.Clone(before.References)
	maps.Copy(all, now.References)
	for path := range all {
		was, known := before.References[path]
		is, there := now.References[path]
		if (was != is || known != there) && !slices.Contains(now.Differs.Paths, path) {
			t.Errorf("%s was %q and is %q, and the set does not say so", path, was, is)
		}
	}
}

// change makes a random change to the directory. Failed changes are part of the test.
func change(r *rand.Rand, dir, base string) {
	some := func() string { // a random place for a file or a directory
		p := dir
		for range r.IntN(3) {
			p = filepath.Join(p, fmt.Sprint("d", r.IntN(3)))
		}
		return p
	}
	file := func() string { return filepath.Join(some(), fmt.Sprint("f", r.IntN(3), ".yaml")) }
	text := fmt.Sprintf("name n%d module ../m%d.wasm", r.IntN(1000), r.IntN(3))
	switch r.IntN(14) {
	case 0, 1, 2:
		f := file()
		_ = os.MkdirAll(filepath.Dir(f), 0o755)
		_ = os.WriteFile(f, []byte(text), 0o644)
	case 3, 4:
		f := filepath.Join(base, "tmp")
		_ = os.WriteFile(f, []byte(text), 0o644)
		_ = os.Rename(f, file())
	case 5:
		_ = os.Remove(file())
	case 6:
		_ = os.Rename(file(), file())
	case 7, 8:
		_ = os.Rename(some(), some())
	case 9:
		_ = os.RemoveAll(some())
	case 10:
		_ = os.Symlink(fmt.Sprint("f", r.IntN(3), ".yaml"), file())
	case 11:
		_ = os.WriteFile(filepath.Join(some(), "..", fmt.Sprint("m", r.IntN(3), ".wasm")), []byte(text), 0o644)
	case 12:
		_ = os.Rename(filepath.Join(some(), fmt.Sprint("m", r.IntN(3), ".wasm")), filepath.Join(some(), fmt.Sprint("m", r.IntN(3), ".wasm")))
	case 13:
		if os.Rename(dir, dir+"2") == nil && r.IntN(2) == 0 {
			_ = os.Rename(dir+"2", dir)
		}
	}
}

// fresh returns the description of a new source's set.
func fresh(dir string) string {
	s := New(Config{Dir: dir, Decode: fakeDecode})
	w := newWatches(newFakeNotifier().open, zap.NewNop())
	defer w.close()
	return whole(newView(&s.settings, dir, w).look(dirty{all: true}))
}

func whole(s source.Set) string { return fmt.Sprintln(describe(s), s.References) }
