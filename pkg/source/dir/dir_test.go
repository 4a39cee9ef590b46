package dir

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSavePatterns(t *testing.T) {
	tests := []struct {
		name string
		save func(t *testing.T, path, text string)
	}{
		{"plain write", write},
		{"rename over", replace},
		{"vim: rename to a backup, write anew, delete the backup", func(t *testing.T, path, text string) {
			write(t, filepath.Join(filepath.Dir(path), "4913"), "")
			must(t, os.Remove(filepath.Join(filepath.Dir(path), "4913")))
			must(t, os.Rename(path, path+"~"))
			write(t, path, text)
			must(t, os.Remove(path+"~"))
		}},
		{"truncate and write in pieces", func(t *testing.T, path, text string) {
			f, err := os.Create(path)
			must(t, err)
			for i := range text {
				_, err := f.WriteString(text[i : i+1])
				must(t, err)
			}
			must(t, f.Close())
		}},
		{"delete and create", func(t *testing.T, path, text string) {
			must(t, os.Remove(path))
			write(t, path, text)
		}},
		{"a link takes its place", func(t *testing.T, path, text string) {
			elsewhere := filepath.Join(t.TempDir(), "elsewhere")
			write(t, elsewhere, text)
			relink(t, elsewhere, path)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "a.yaml")
			write(t, path, "name one")
			w := watch(t, newSource(t, dir))
			w.until("one")
			tt.save(t, path, "name two\nname three")
			w.until("three two")
			tt.save(t, path, "name four")
			w.until("four")
			must(t, os.Remove(path))
			w.until("")
		})
	}
}

func TestFileIsNamedByTheDirectoryAsGiven(t *testing.T) {
	dir := t.TempDir()
	mkdir(t, filepath.Join(dir, "filters", "sub"))
	write(t, filepath.Join(dir, "filters", "sub", "a.yaml"), "name a\nerror b")
	t.Chdir(dir)
	w := watch(t, newSource(t, "./filters/"))
	set := w.until("a bad_value@a.yaml:2")
	want := filepath.Join("filters", "sub", "a.yaml")
	if set.Specs[0].File != want || set.Errors[0].Pos.File != want {
		t.Errorf("files are %q, %q, want %q", set.Specs[0].File, set.Errors[0].Pos.File, want)
	}
}

func TestEmptyDirIsTheWorkingDirectory(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "a.yaml", "name a")
	set := watch(t, newSource(t, "")).until("a")
	if got := set.Specs[0].File; got != "a.yaml" {
		t.Errorf("file is %q", got)
	}
}

func TestSubdirectories(t *testing.T) {
	dir := t.TempDir()
	w := watch(t, newSource(t, dir))
	w.until("")
	for i := range 20 { // repeat, because the race between mkdir and watch has many outcomes
		deep := filepath.Join(dir, fmt.Sprint("d", i), "x", "y")
		mkdir(t, deep)
		write(t, filepath.Join(deep, "a.yaml"), "name a")
		w.until("a")
		write(t, filepath.Join(deep, "b.yml"), "name b")
		w.until("a b")
		must(t, os.Rename(filepath.Join(dir, fmt.Sprint("d", i)), filepath.Join(dir, "moved")))
		write(t, filepath.Join(dir, "moved", "x", "y", "c.yml"), "name c")
		w.until("a b c")
		write(t, filepath.Join(dir, "moved", "x", "y", "c.yml"), "name see")
		w.until("a b see")
		must(t, os.RemoveAll(filepath.Join(dir, "moved")))
		w.until("")
	}
}

func TestSkippedNames(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{".git", "node_modules", "target", "old.bak"} {
		mkdir(t, filepath.Join(dir, d))
		write(t, filepath.Join(dir, d, "a.yaml"), "name skipped")
	}
	for _, f := range []string{".a.yaml", "a.yaml~", "#a.yaml#", "a.yaml.bak", "a.json"} {
		write(t, filepath.Join(dir, f), "name skipped")
	}
	write(t, filepath.Join(dir, "ok.yaml"), "name ok")
	w := watch(t, newSource(t, dir))
	if got := describe(w.next()); got != "ok" {
		t.Errorf("first set: %s", got)
	}
	write(t, filepath.Join(dir, "target", "b.yaml"), "name skipped")
	write(t, filepath.Join(dir, ".b.yaml"), "name skipped")
	write(t, filepath.Join(dir, "x.wasm"), "bytes")
	write(t, filepath.Join(dir, "z.yaml"), "name z")
	if got := describe(w.next()); got != "ok z" {
		t.Errorf("second set: %s", got)
	}
}

func TestConfigMap(t *testing.T) {
	// The layout and swap of a config map by the kubelet.
	dir := t.TempDir()
	version := func(v, text string) {
		mkdir(t, filepath.Join(dir, v))
		write(t, filepath.Join(dir, v, "a.yaml"), text)
		write(t, filepath.Join(dir, v, "m.wasm"), v)
	}
	version("..1", "name one module m.wasm")
	must(t, os.Symlink("..1", filepath.Join(dir, "..data")))
	must(t, os.Symlink(filepath.Join("..data", "a.yaml"), filepath.Join(dir, "a.yaml")))
	must(t, os.Symlink(filepath.Join("..data", "m.wasm"), filepath.Join(dir, "m.wasm")))
	w := watch(t, newSource(t, dir))
	module := filepath.Join(dir, "m.wasm")
	seen := w.until("one").References[module]
	if seen == "" || seen == "missing" {
		t.Fatalf("the module's fingerprint is %q", seen)
	}
	for i := 2; i < 6; i++ {
		v := fmt.Sprint("..", i)
		version(v, fmt.Sprintf("name v%d module m.wasm", i))
		relink(t, v, filepath.Join(dir, "..data"))
		set := w.until(fmt.Sprint("v", i))
		if set.References[module] == seen {
			t.Error("the module's fingerprint did not change")
		}
		seen = set.References[module]
		must(t, os.RemoveAll(filepath.Join(dir, fmt.Sprint("..", i-1))))
	}
}

func TestDirectoryComesAndGoes(t *testing.T) {
	base := t.TempDir()
	dir := filepath.Join(base, "not", "yet", "filters")
	file := filepath.Join(dir, "a.yaml")
	w := watch(t, newSource(t, dir))
	w.until("unavailable directory_missing")
	mkdir(t, dir)
	w.until("")
	write(t, file, "name one")
	w.until("one")

	// Moved away and back.
	must(t, os.Rename(dir, dir+".away"))
	w.until("unavailable directory_missing")
	must(t, os.Rename(dir+".away", dir))
	w.until("one")
	write(t, file, "name two\n")
	w.until("two")

	// An ancestor moved away and back.
	must(t, os.Rename(filepath.Join(base, "not"), filepath.Join(base, "moved")))
	w.until("unavailable directory_missing")
	must(t, os.Rename(filepath.Join(base, "moved"), filepath.Join(base, "not")))
	w.until("two")

	// Replaced by a file.
	must(t, os.RemoveAll(dir))
	w.until("unavailable directory_missing")
	write(t, dir, "a file")
	w.until("unavailable not_a_directory")

	// Replaced by another directory, at once.
	other := filepath.Join(base, "other")
	mkdir(t, other)
	write(t, filepath.Join(other, "b.yaml"), "name three")
	must(t, os.Remove(dir))
	must(t, os.Rename(other, dir))
	w.until("three")
	must(t, os.Rename(dir, other))
	mkdir(t, dir)
	write(t, filepath.Join(dir, "c.yaml"), "name four")
	w.until("four")
	write(t, filepath.Join(dir, "c.yaml"), "name five!")
	w.until("five!")

	// Emptied.
	must(t, os.Remove(filepath.Join(dir, "c.yaml")))
	w.until("")

	// An ancestor is a file.
	must(t, os.RemoveAll(filepath.Join(base, "not", "yet")))
	write(t, filepath.Join(base, "not", "yet"), "a file")
	w.until("unavailable directory_missing")
}

func TestUnavailableSaysNothingElse(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "filters")
	set := watch(t, newSource(t, dir)).next()
	if e := set.Unavailable; e == nil || e.Hint == "" || e.Pos.File != dir {
		t.Errorf("unavailable: %+v", e)
	}
	if set.Specs != nil || set.Errors != nil || set.BrokenFiles != nil || set.References != nil || set.Degraded != nil {
		t.Errorf("more is set: %+v", set)
	}
}

func TestLinkedDirectorySwapped(t *testing.T) {
	base := t.TempDir()
	for _, v := range []string{"v1", "v2"} {
		mkdir(t, filepath.Join(base, "releases", v, "sub"))
		write(t, filepath.Join(base, "releases", v, "sub", "a.yaml"), "name "+v)
	}
	dir := filepath.Join(base, "current")
	must(t, os.Symlink("releases/v1", dir))
	w := watch(t, newSource(t, dir))
	w.until("v1")
	relink(t, "releases/v2", dir)
	w.until("v2")
	relink(t, filepath.Join(base, "releases", "v1"), dir)
	w.until("v1")
	write(t, filepath.Join(base, "releases", "v1", "b.yaml"), "name b")
	w.until("b v1")
	must(t, os.Remove(dir))
	w.until("unavailable directory_missing")
}

func TestLinkedSubdirectory(t *testing.T) {
	base := t.TempDir()
	dir, team := filepath.Join(base, "filters"), filepath.Join(base, "team")
	mkdir(t, dir)
	mkdir(t, team)
	w := watch(t, newSource(t, dir))
	w.until("")
	must(t, os.Symlink("../team", filepath.Join(dir, "team")))
	must(t, os.Symlink(".", filepath.Join(dir, "loop"))) // links to directories that contain the links
	must(t, os.Symlink("../filters", filepath.Join(team, "loop")))
	write(t, filepath.Join(team, "a.yaml"), "name a")
	w.until("a")
	write(t, filepath.Join(team, "a.yaml"), "name another")
	w.until("another")
	must(t, os.Remove(filepath.Join(dir, "team")))
	w.until("")
}

func TestLinkedFile(t *testing.T) {
	base := t.TempDir()
	dir, elsewhere := filepath.Join(base, "filters"), filepath.Join(base, "elsewhere")
	mkdir(t, dir)
	mkdir(t, elsewhere)
	must(t, os.Symlink("../elsewhere/b", filepath.Join(dir, "a.yaml")))
	w := watch(t, newSource(t, dir))
	w.until("unreadable@a.yaml broken:a.yaml")
	write(t, filepath.Join(elsewhere, "b"), "name one")
	w.until("one")
	write(t, filepath.Join(elsewhere, "b"), "name another")
	w.until("another")
}

func TestMovedAwayAndBackAtOnce(t *testing.T) {
	dir := t.TempDir()
	sub := filepath.Join(dir, "sub")
	mkdir(t, sub)
	w := watch(t, newSource(t, dir))
	w.until("")
	for i := range 20 {
		must(t, os.Rename(sub, sub+"~"))
		must(t, os.Rename(sub+"~", sub))
		write(t, filepath.Join(dir, "z.yaml"), fmt.Sprint("name z", i)) // another set to wait for
		for d := ""; !strings.Contains(d, fmt.Sprint("z", i)); d = describe(w.next()) {
		}
		write(t, filepath.Join(sub, "a.yaml"), fmt.Sprint("name a", i))
		w.until(fmt.Sprintf("a%d z%d", i, i))
	}
}

func TestReferences(t *testing.T) {
	base := t.TempDir()
	dir := filepath.Join(base, "filters")
	mkdir(t, dir)
	write(t, filepath.Join(dir, "a.yaml"), "name a module ../target/release/x.wasm config a.json")
	write(t, filepath.Join(dir, "a.json"), "{}")
	w := watch(t, newSource(t, dir))
	module, config := filepath.Join(base, "target", "release", "x.wasm"), filepath.Join(dir, "a.json")
	set := w.until("a")
	if got := set.References[module]; got != "missing" || len(set.References) != 2 {
		t.Errorf("references: %v", set.References)
	}
	write(t, config, `{"a": 1}`)
	w.untilChanged(config, set.References[config])

	// The module appears later, as from a build.
	mkdir(t, filepath.Dir(module))
	write(t, module, "v1")
	v1 := w.untilChanged(module, "missing")
	write(t, module, "v2, longer")
	v2 := w.untilChanged(module, v1)
	replace(t, module, "v3")
	v3 := w.untilChanged(module, v2)
	must(t, os.RemoveAll(filepath.Join(base, "target")))
	if got := w.untilChanged(module, v3); got != "missing" {
		t.Errorf("after the removal: %q", got)
	}

	// A link and its target.
	mkdir(t, filepath.Dir(module))
	store := filepath.Join(base, "store")
	mkdir(t, store)
	write(t, filepath.Join(store, "1"), "one")
	must(t, os.Symlink("../../store/1", module))
	v4 := w.untilChanged(module, "missing")
	write(t, filepath.Join(store, "1"), "one, changed")
	w.untilChanged(module, v4)

	// No longer referred to.
	write(t, filepath.Join(dir, "a.yaml"), "name a")
	for len(w.next().References) != 0 {
	}
}

func TestErrors(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "b.yaml"), "name dup\nname ok")
	write(t, filepath.Join(dir, "a.yaml"), "\nname dup")
	write(t, filepath.Join(dir, "c.yaml"), "name dup\nerror x\nerror x")
	write(t, filepath.Join(dir, "d.yaml"), "name kept\nbroken")
	must(t, os.Symlink("nowhere", filepath.Join(dir, "e.yaml")))
	write(t, filepath.Join(dir, "f.yaml"), "name x")
	w := watch(t, newSource(t, dir))
	set := w.until("kept ok duplicate_name@b.yaml:1 duplicate_name@c.yaml:1 bad_value@c.yaml:2 bad_value@c.yaml:3 " +
		"bad_yaml@d.yaml:2 unreadable@e.yaml duplicate_name@f.yaml:1 broken:d.yaml broken:e.yaml")
	want := fmt.Sprintf("the name %q is taken already, at %s:2", "dup", filepath.Join(dir, "a.yaml"))
	if e := set.Errors[0]; e.Message != want || e.Name != "dup" {
		t.Errorf("duplicate: %q of %q, want %q", e.Message, e.Name, want)
	}
	// Repair everything.
	must(t, os.Remove(filepath.Join(dir, "b.yaml")))
	write(t, filepath.Join(dir, "c.yaml"), "name c")
	write(t, filepath.Join(dir, "d.yaml"), "name d")
	must(t, os.Remove(filepath.Join(dir, "e.yaml")))
	w.until("c d dup x")
}

func TestEqualContentIsNotEmittedAgain(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.yaml")
	write(t, path, "name a")
	write(t, filepath.Join(dir, "b.yaml"), "name b\nname b")
	w := watch(t, newSource(t, dir))
	first := w.next()
	replace(t, path, "name a")
	replace(t, path, "name a\n\n\n")
	write(t, filepath.Join(dir, "c.yaml"), "name c")
	second := w.next()
	if got := describe(second); got != "a c duplicate_name@b.yaml:2" {
		t.Errorf("second set: %s", got)
	}
	if first.Specs[0] != second.Specs[0] {
		t.Error("the same document is another spec")
	}
}

func TestRunAgain(t *testing.T) {
	dir := t.TempDir()
	s := newSource(t, dir)
	w := watch(t, s)
	w.until("")
	w.stop()
	write(t, filepath.Join(dir, "a.yaml"), "name a")
	watch(t, s).until("a")
}
