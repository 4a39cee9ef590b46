package dir

import (
	"fmt"
	"path/filepath"
	"testing"

	"go.uber.org/zap"
)

// TestEditsComeToTheSame compares looks after edits with a new look at everything, also with
// duplicate names.
func TestEditsComeToTheSame(t *testing.T) {
	dir := t.TempDir()
	s := New(Config{Dir: dir, Decode: fakeDecode})
	w := newWatches(newFakeNotifier().open, zap.NewNop())
	defer w.close()
	st := newView(&s.settings, dir, w)
	st.look(dirty{all: true})
	for i, step := range []struct{ file, text string }{
		{"a.yaml", "name a module m1.wasm"},
		{"b.yaml", "name b\nname c module m1.wasm"},
		{"a.yaml", "name a module m2.wasm"},                        // an edit
		{"b.yaml", "name b module m3.wasm\nname c module m2.wasm"}, // an edit of two documents
		{"c.yaml", "name c module m4.wasm"},                        // a duplicate name
		{"b.yaml", "name b\nname c module m5.wasm"},
		{"c.yaml", "name c module m6.wasm"},
		{"c.yaml", "name d module m6.wasm"}, // once again
		{"b.yaml", "name c\nname b module m7.wasm"},
		{"b.yaml", "name c\nerror b"},
		{"b.yaml", "name c module m8.wasm\nerror b"},
		{"b.yaml", "broken"},
		{"b.yaml", "name c module m9.wasm\nname b"},
		{"a.yaml", "name a"},
	} {
		replace(t, filepath.Join(dir, step.file), step.text)
		d := dirty{entries: map[entryKey]struct{}{{st.root.tree, step.file}: {}}}
		if got, want := whole(st.look(d)), fresh(dir); got != want {
			t.Errorf("step %d, %s:\n%s\nwant\n%s", i, fmt.Sprint(step), got, want)
		}
	}
}
