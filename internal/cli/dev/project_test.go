package dev

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/kit/sources"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

// A lock file that the first build writes is no reason for a second build, and another file is.
func TestFirstBuildWritesALock(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"given.wasm": string(testfilter.HTTP{}.Module()),
		"hello.yaml": "name: hello\nbuild: echo 1 > Cargo.lock && echo 1 > other.txt && mkdir -p build && cp given.wasm build/hello.wasm\nmodule: {file: build/hello.wasm}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	b := newBuilder(t.Context(), dir, &out)
	if b == nil {
		t.Fatal("it is no project")
	}
	if err := b.first(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	after, _, err := sources.Read(dir, b.results())
	if err != nil {
		t.Fatal(err)
	}
	if changed := b.tree.Changes(after); len(changed) != 1 || changed[0] != "other.txt" {
		t.Errorf("changed: %q\n%s", changed, &out)
	}
}
