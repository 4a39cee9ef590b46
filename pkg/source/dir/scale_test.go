package dir

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/wasm-xds/wasm-xds/pkg/source"
)

func TestThousandFiles(t *testing.T) {
	dir := t.TempDir()
	s := newSource(t, dir)
	w := watch(t, s)
	w.until("")
	want := ""
	for i := range 1000 {
		write(t, filepath.Join(dir, fmt.Sprintf("%04d.yaml", i)), fmt.Sprintf("name f%04d module m%d.wasm", i, i))
		want += fmt.Sprintf(" f%04d", i)
	}
	w.until(want[1:])
	w.stop()

	lstats, reads := counted(s)
	w = watch(t, s)
	w.until(want[1:])
	before, readBefore := lstats.Load(), reads.Load()
	replace(t, filepath.Join(dir, "0000.yaml"), "name f")
	w.until("f" + want[len(" f0000"):])
	if n := lstats.Load() - before; n > 100 {
		t.Errorf("one edit looked at %d files", n)
	}
	if n := reads.Load() - readBefore; n > 5 {
		t.Errorf("one edit read %d files", n)
	}
}

func BenchmarkTenThousand(b *testing.B) {
	dir := b.TempDir()
	path := func(i int) string { return filepath.Join(dir, fmt.Sprintf("%05d.yaml", i)) }
	for i := range 10_000 {
		text := fmt.Sprintf("name f%d module %d.wasm", i, i)
		if err := os.WriteFile(path(i), []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	s := New(Config{Dir: dir, Decode: fakeDecode})
	w := newWatches(newFakeNotifier().open, s.log)
	st := newView(&s.settings, dir, w)
	defer w.close()
	var last source.Set
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			last = newView(&s.settings, dir, w).look(dirty{all: true})
		}
	})
	last = st.look(dirty{all: true})
	b.Run("all again", func(b *testing.B) {
		for b.Loop() {
			set := st.look(dirty{all: true})
			equal(last, set)
			last = set
		}
	})
	st.root.tree.eachFile(func(f *file) { f.racy = false })
	b.Run("rescan", func(b *testing.B) {
		for b.Loop() {
			if found := st.rescan(nil)(); found.differs || st.lacks(found, dirty{}) {
				b.Fatalf("found %+v", found)
			}
		}
	})
	b.Run("what of a rescan an edit may wait for", func(b *testing.B) {
		found := st.rescan(nil)()
		for b.Loop() {
			found.since = st.counts
			if st.rescan(nil); st.rescanned(found, &dirty{}) {
				b.Fatalf("found %+v", found)
			}
		}
	})
	b.Run("edit", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			text := fmt.Sprintf("name f module %d.wasm", i)
			if err := os.WriteFile(path(0), []byte(text), 0o644); err != nil {
				b.Fatal(err)
			}
			d := dirty{entries: map[entryKey]struct{}{{st.root.tree, "00000.yaml"}: {}}}
			set := st.look(d)
			if equal(last, set) {
				b.Fatal("the edit was not seen")
			}
			last = set
		}
	})
}
