package dir

import (
	"os"
	"path/filepath"
	"testing"
)

// TestRenameIntoPlaceIsTold checks the text of fsnotify's events, because only the text shows that
// a file was renamed.
func TestRenameIntoPlaceIsTold(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	n, err := newFSNotify()
	must(t, err)
	defer func() { must(t, n.Close()) }()
	must(t, n.Add(dir))
	event := func(name string) bool {
		for {
			select {
			case e := <-n.Events():
				if filepath.Base(e.Name) == name {
					return renamedHere(e)
				}
			case err := <-n.Errors():
				t.Fatal(err)
			case <-timeout():
				t.Fatalf("no event of %s", name)
			}
		}
	}
	for _, name := range []string{"a.yaml", "quoted\" ← \"a.yaml"} {
		write(t, filepath.Join(dir, name), "one")
		if event(name) {
			t.Errorf("%s was written, and passes for renamed", name)
		}
	}
	write(t, filepath.Join(dir, ".partial"), "two")
	must(t, os.Rename(filepath.Join(dir, ".partial"), filepath.Join(dir, "b.yaml")))
	if !event("b.yaml") {
		t.Error("a rename over nothing is not told")
	}
	write(t, filepath.Join(dir, ".partial"), "three")
	must(t, os.Rename(filepath.Join(dir, ".partial"), filepath.Join(dir, "b.yaml")))
	if !event("b.yaml") {
		t.Error("a rename over a file is not told")
	}
	write(t, filepath.Join(elsewhere, "c.yaml"), "four")
	must(t, os.Rename(filepath.Join(elsewhere, "c.yaml"), filepath.Join(dir, "c.yaml")))
	if event("c.yaml") {
		t.Error("nobody can tell that c.yaml was not created")
	}
}

// TestRenamedFilesAreComplete distinguishes renamed spec files from spec files that are written in
// place.
func TestRenamedFilesAreComplete(t *testing.T) {
	dir := t.TempDir()
	b := newInbox()
	n, err := newFSNotify()
	must(t, err)
	must(t, n.Add(dir))
	pumped := make(chan struct{})
	go func() { defer close(pumped); b.pump(n, nil) }()
	defer func() { must(t, n.Close()); <-pumped }()
	s := newSource(t, dir)
	st := newView(&s.settings, dir, newWatches(newFakeNotifier().open, s.log))
	defer st.watches.close()
	st.look(dirty{all: true})

	// until waits for an event that matters and returns its completeness.
	until := func() completeness {
		var d dirty
		for {
			select {
			case <-b.wake:
			case <-timeout():
				t.Fatal("no event")
			}
			if some, c := st.hear(b.take(), &d); some {
				return c
			}
		}
	}
	replace(t, filepath.Join(dir, "a.yaml"), "name a module m.wasm")
	if c := until(); c != alone {
		t.Errorf("a spec that was renamed into place: %v", c)
	}
	st.look(dirty{all: true})
	replace(t, filepath.Join(dir, "m.wasm"), "module")
	if c := until(); c != complete {
		t.Errorf("a module that was renamed into place: %v", c)
	}
	write(t, filepath.Join(dir, "a.yaml"), "name b")
	if c := until(); c != unfinished {
		t.Errorf("a file that was written: %v", c)
	}
}
