package module

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

var (
	modulePos = spec.Position{File: "auth.yaml", Line: 2, Column: 1}
	filePos   = spec.Position{File: "auth.yaml", Line: 3, Column: 9}
)

func fileModule(path string) spec.Module {
	return spec.Module{File: &spec.FileRef{Path: path, As: "./x.wasm", Pos: filePos}, Pos: modulePos}
}

func writeFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.wasm")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestResolveFile(t *testing.T) {
	r := &Resolver{Store: newStore(t)}
	m := fileModule(writeFile(t, goodWasm))
	for _, m.SHA256 = range []string{"", sumOf([]byte(goodWasm))} {
		got, err := r.Resolve(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		if got.SHA256 != sumOf([]byte(goodWasm)) || got.Size != int64(len(goodWasm)) {
			t.Errorf("got %v", got)
		}
		if content, err := r.Store.Read(got.SHA256); err != nil || string(content) != goodWasm {
			t.Errorf("stored %q, %v", content, err)
		}
	}
}

func TestResolveFileErrors(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	large := filepath.Join(dir, "large")
	if err := os.WriteFile(large, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(large, MaxSize+1); err != nil { // a sparse file: needs no disk space
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink("nowhere", link); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, path, sha256 string
		code, says, hint   string
		pos                spec.Position
	}{
		{name: "missing", path: filepath.Join(dir, "none.wasm"), code: CodeMissing, says: dir + "/none.wasm", hint: "build it"},
		{name: "dangling link", path: link, code: CodeMissing, says: link, hint: "build it"},
		{name: "below a file", path: filepath.Join(large, "x"), code: CodeUnreadable, says: "not a directory"},
		{name: "directory", path: dir, code: CodeNotAFile, says: "a directory", hint: ".wasm file itself"},
		{name: "pipe", path: pipe, code: CodeNotAFile, says: "a pipe"},
		{name: "device", path: "/dev/zero", code: CodeNotAFile, says: "a device"},
		{name: "large", path: large, code: CodeTooLarge, says: "more than 256 MiB", hint: "strip"},
		{name: "not Wasm", path: writeFile(t, "garbage garbage"), code: CodeNotWasm, says: "x.wasm is not Wasm"},
		{name: "half", path: writeFile(t, goodWasm[:20]), code: CodeIncomplete, says: "is incomplete", hint: pickedUp},
		{name: "component", path: writeFile(t, "\x00asm\x0d\x00\x01\x00"), code: CodeComponent, says: "core modules", hint: "wasm32-wasip1"},
		{
			name: "another sha256", path: writeFile(t, goodWasm), sha256: strings.Repeat("a", 64), pos: modulePos,
			code: CodeSHA256Mismatch, says: "the spec says aaaa", hint: "module.sha256: " + sumOf([]byte(goodWasm)),
		},
		{
			name: "half, with a sha256", path: writeFile(t, goodWasm[:20]), sha256: strings.Repeat("a", 64),
			code: CodeIncomplete, says: "is incomplete", hint: pickedUp,
		},
		{
			name: "upper case", path: writeFile(t, goodWasm), sha256: strings.ToUpper(sumOf([]byte(goodWasm))), pos: modulePos,
			code: CodeSHA256Mismatch, says: sumOf([]byte(goodWasm)), hint: "lower case",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := &Resolver{Store: newStore(t)}
			m := fileModule(test.path)
			m.SHA256 = test.sha256
			_, err := r.Resolve(t.Context(), m)
			wantError(t, err, test.code, test.says, test.hint)
			if test.pos == (spec.Position{}) {
				test.pos = filePos
			}
			if err.Pos != test.pos {
				t.Errorf("at %v, want %v", err.Pos, test.pos)
			}
			wantFiles(t, r.Store)
		})
	}
}

func wantError(t *testing.T, err *spec.Error, code, says, hint string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %s", code)
	}
	if err.Code != code || !strings.Contains(err.Message, says) || !strings.Contains(err.Hint, hint) {
		t.Fatalf("got %s: %v, want %s: …%s… (…%s…)", err.Code, err, code, says, hint)
	}
}

func TestFileErrorWords(t *testing.T) {
	// A test that runs as root cannot get these errors from the file system itself.
	err := fileError(fileModule("/x.wasm"), &fs.PathError{Op: "open", Path: "/x.wasm", Err: syscall.EACCES})
	wantError(t, err, CodeUnreadable, "/x.wasm may not be read", "user with id")
	err = fileError(fileModule("/x.wasm"), &fs.PathError{Op: "read", Path: "/x.wasm", Err: syscall.EIO})
	wantError(t, err, CodeUnreadable, "input/output error", "")
}

func TestResolveFileWithABrokenStore(t *testing.T) {
	r := &Resolver{Store: newStore(t)}
	if err := os.Remove(r.Store.dir); err != nil {
		t.Fatal(err)
	}
	_, err := r.Resolve(t.Context(), fileModule(writeFile(t, goodWasm)))
	wantError(t, err, CodeStoreFailed, "cannot be stored", "free space")
	if !Retryable(err) {
		t.Error("a full disk does not stay full")
	}
}

// hookContext runs a hook whenever the resolver checks the context, which happens before each read
// of the file.
type hookContext struct {
	context.Context
	hook func()
}

func (h hookContext) Err() error { h.hook(); return h.Context.Err() }

func TestResolveFileThatChanges(t *testing.T) {
	later := time.Now().Add(time.Hour)
	changes := map[string]func(path string) error{
		"touched":   func(path string) error { return os.Chtimes(path, later, later) },
		"truncated": func(path string) error { return os.Truncate(path, 10) },
		"grown":     func(path string) error { return os.Truncate(path, 1000) },
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			path := writeFile(t, goodWasm)
			r := &Resolver{Store: newStore(t)}
			ctx := hookContext{t.Context(), func() {
				if err := change(path); err != nil {
					t.Error(err)
				}
			}}
			_, err := r.Resolve(ctx, fileModule(path))
			wantError(t, err, CodeChanging, path, pickedUp)
			if !Retryable(err) {
				t.Error("not to be tried again")
			}
			wantFiles(t, r.Store)
		})
	}
}

func TestResolveSpec(t *testing.T) {
	s := &spec.Spec{Name: "auth", Module: fileModule(writeFile(t, "compiled.in.plugin"))}
	r := &Resolver{Store: newStore(t)}
	s.VM.Runtime = "envoy.wasm.runtime.v8"
	_, err := r.ResolveSpec(t.Context(), s)
	wantError(t, err, CodeNotWasm, "is not Wasm", "")
	if err.Name != "auth" {
		t.Errorf("the error names %q", err.Name)
	}
	s.VM.Runtime = "envoy.wasm.runtime.null"
	m, err := r.ResolveSpec(t.Context(), s)
	if err != nil || m.SHA256 != sumOf([]byte("compiled.in.plugin")) {
		t.Errorf("with the null runtime: %v, %v", m, err)
	}
}
