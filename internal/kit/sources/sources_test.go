package sources_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wasm-xds/wasm-xds/internal/kit/sources"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func write(t *testing.T, dir string, files ...string) {
	t.Helper()
	for _, file := range files {
		name, text, _ := strings.Cut(file, "=")
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReadAndChanges(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "main.go=a", "lib/b.go=b", ".git/x=1", "node_modules/p/i.js=1", "target/t=1", "build/f.wasm=1", "build/list=1", "main.go~=1", ".main.go.swp=1")
	except := []string{filepath.Join(dir, "build")}
	before, dirs, err := sources.Read(dir, except)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{dir, filepath.Join(dir, "lib")}; !slices.Equal(dirs, want) {
		t.Errorf("directories %v", dirs)
	}
	if before["main.go"] == "" || before["lib/b.go"] == "" || len(before) != 2 {
		t.Errorf("%v", before)
	}
	write(t, dir, "main.go=a", "lib/b.go=c", "lib/new.go=d", "build/list=2")
	after, _, err := sources.Read(dir, except)
	if err != nil {
		t.Fatal(err)
	}
	if got := before.Changes(after); !slices.Equal(got, []string{"lib/b.go", "lib/new.go"}) {
		t.Errorf("changes %v", got)
	}
}

// Each change is reported, also in a new directory.
func TestWatch(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "main.go=a")
	before, _, err := sources.Read(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	changes, ended := make(chan []string, 100), make(chan struct{})
	go func() {
		defer close(ended)
		sources.Watch(ctx, dir, nil, before, func(paths []string) { changes <- paths })
	}()
	for _, file := range []string{"main.go=b", "new/a.go=1", "new/a.go=2", "new/deep/b.go=3"} {
		write(t, dir, file)
		name, _, _ := strings.Cut(file, "=")
		for !slices.Contains(<-changes, name) {
		}
	}
	if err := os.RemoveAll(filepath.Join(dir, "new")); err != nil {
		t.Fatal(err)
	}
	for !slices.Contains(<-changes, "new/deep/b.go") {
	}
	cancel()
	<-ended
}

// A source that changed after the build is found. A spec or a result of the build is no source.
func TestNewer(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "main.go=a", "lib/b.go=b", "hello.yaml=a", "build/list=1", "go.sum=1")
	at := time.Now()
	for path, when := range map[string]time.Time{"main.go": at, "lib/b.go": at.Add(-time.Hour), "hello.yaml": at.Add(time.Hour), "build/list": at.Add(time.Hour), "go.sum": at.Add(time.Hour)} {
		if err := os.Chtimes(filepath.Join(dir, path), when, when); err != nil {
			t.Fatal(err)
		}
	}
	except := []string{filepath.Join(dir, "build")}
	if got := sources.Newer(dir, except, at.Add(time.Minute)); got != "" {
		t.Errorf("%q has not changed", got)
	}
	if got := sources.Newer(dir, except, at.Add(-time.Minute)); got != "main.go" {
		t.Errorf("%q has changed", got)
	}
}
