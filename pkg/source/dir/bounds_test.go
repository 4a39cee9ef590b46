package dir

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func TestDefaultRoots(t *testing.T) {
	for _, tt := range []struct {
		dir   string
		given []string
		want  []string
	}{
		{"/srv/envoy/filters", nil, []string{"/srv/envoy", "/srv/envoy/filters"}},
		{"/filters", nil, []string{"/filters"}}, // its parent would be everything
		{"/srv/envoy/filters", []string{"/modules"}, []string{"/modules", "/srv/envoy/filters"}},
	} {
		if got := Bounds(tt.dir, spec.Bounds{Roots: tt.given}).Roots; !slices.Equal(got, tt.want) {
			t.Errorf("%s with %v: %v, want %v", tt.dir, tt.given, got, tt.want)
		}
	}
}

// Links may lead to files within the roots. A link that is turned to another place changes nothing.
func TestLinksOutOfTheRoots(t *testing.T) {
	base, elsewhere := filepath.Join(t.TempDir(), "base"), t.TempDir()
	dir := filepath.Join(base, "filters")
	must(t, os.MkdirAll(dir, 0o755))
	must(t, os.MkdirAll(filepath.Join(base, "team"), 0o755))
	write(t, filepath.Join(base, "team", "a.yaml"), "module: {file: ./m.wasm}\n")
	write(t, filepath.Join(elsewhere, "a.yaml"), "module: {file: ./m.wasm}\nrootId: secret\n")
	turn := func(name, target string) {
		t.Helper()
		path := filepath.Join(dir, name)
		must(t, os.Symlink(target, path+"-new"))
		must(t, os.Rename(path+"-new", path))
	}
	turn("team", "../team")
	w := watch(t, New(Config{Dir: dir}))
	w.until("a")
	turn("team", elsewhere)
	w.until("outside_files_root@team broken:team")
	turn("team", filepath.Join(base, "team"))
	w.until("a")
	turn("b.yaml", filepath.Join(elsewhere, "a.yaml"))
	w.until("a outside_files_root@b.yaml broken:b.yaml")

	allowed := watch(t, New(Config{Dir: dir, Bounds: spec.Bounds{Roots: []string{base, elsewhere}}}))
	allowed.until("a b")
}

// The bounds reach each file that a spec names.
func TestBoundsReachTheFilesOfSpecs(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.yaml"), "module: {oci: r.example/a:1, pullSecret: ./p, verify: {keys: [./k]}}\nconfigFrom: {file: ./c}\n")
	write(t, filepath.Join(dir, "b.yaml"), "module: {file: ./m}\n")
	set := watch(t, New(Config{Dir: dir, Bounds: spec.Bounds{Roots: []string{"/r"}, Except: []string{"/e"}}})).until("a b")
	files := 0
	for _, s := range set.Specs {
		for _, ref := range append(s.Module.Files(), s.ConfigFrom) {
			if ref == nil {
				continue
			}
			files++
			if b := ref.Bounds; b == nil || !slices.Equal(b.Roots, []string{"/r", dir}) || !slices.Equal(b.Except, []string{"/e"}) {
				t.Errorf("%s: %+v", ref.As, b)
			}
		}
	}
	if files != 4 {
		t.Errorf("%d files", files)
	}
}
