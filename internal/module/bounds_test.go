package module

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Each file of a spec that leads out of the roots is refused where the spec names it, and the hint
// names the flag. No part of the file is read.
func TestFilesOutsideTheRoots(t *testing.T) {
	root, elsewhere := t.TempDir(), t.TempDir()
	secret := filepath.Join(elsewhere, "secret")
	if err := os.WriteFile(secret, []byte("\x00asm\x01\x00\x00\x00"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(root, "link")
	if err := os.Symlink(secret, link); err != nil {
		t.Fatal(err)
	}
	store, err := OpenStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	r := &Resolver{Store: store}
	bounds := &spec.Bounds{Roots: []string{root}, Except: []string{filepath.Join(root, "state")}}
	at := spec.Position{File: "a.yaml", Line: 3, Column: 9}
	for path, says := range map[string]string{
		secret:                               secret + " may not be read by a spec: it lies outside of " + root,
		link:                                 link + ", which leads to " + secret + ", may not be read",
		"/etc/shadow":                        "--files-root",
		"/proc/self/environ":                 "--files-root",
		filepath.Join(root, "state", "file"): "belongs to wasm-xds itself",
	} {
		ref := &spec.FileRef{Path: path, As: path, Pos: at, Bounds: bounds}
		image := spec.Module{OCI: spec.Reference{Registry: "127.0.0.1:1", Repository: "a", Tag: "b"}, Pos: spec.Position{Line: 1}}
		secretOf, keyOf := image, image
		secretOf.PullSecret, keyOf.Verify.Keys = ref, []*spec.FileRef{ref}
		problems := map[string]*spec.Error{}
		_, problems["module.file"] = r.Resolve(t.Context(), spec.Module{File: ref, Pos: at})
		_, problems["module.pullSecret"] = r.Resolve(t.Context(), secretOf)
		_, problems["module.pullSecret, of its tag"] = r.ResolveTag(t.Context(), secretOf)
		_, problems["module.verify.keys"] = r.Resolve(t.Context(), keyOf)
		_, problems["configFrom.file"] = ReadConfig(*ref)
		problems["module.file, before a start"] = CheckBounds(&spec.Spec{Module: spec.Module{File: ref}})
		problems["configFrom.file, before a start"] = CheckBounds(&spec.Spec{ConfigFrom: ref})
		for field, e := range problems {
			if e == nil || e.Code != CodeOutside || e.Pos != at || !strings.Contains(e.Error(), says) {
				t.Errorf("%s %s: %v", field, path, e)
			}
		}
	}
	inside := filepath.Join(root, "config")
	if err := os.WriteFile(inside, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	if config, e := ReadConfig(spec.FileRef{Path: inside, Bounds: bounds}); e != nil || *config != "text" {
		t.Errorf("a file within the roots: %v", e)
	}
}
