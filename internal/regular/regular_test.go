package regular

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}

// A pipe in the place of a file must not block the server, and a huge file must not fill its
// memory.
func TestOnlySmallRegularFiles(t *testing.T) {
	dir := t.TempDir()
	file, pipe := filepath.Join(dir, "file"), filepath.Join(dir, "pipe")
	write(t, file, "12345")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		path  string
		limit int64
		want  error
	}{
		"as large as may be": {file, 5, nil},
		"too large":          {file, 4, ErrTooLarge},
		"a pipe":             {pipe, 5, ErrNotRegular},
		"a directory":        {dir, 5, ErrNotRegular},
		"a device":           {"/dev/zero", 5, ErrNotRegular},
		"nothing":            {filepath.Join(dir, "none"), 5, fs.ErrNotExist},
	} {
		for way, bounds := range map[string]*Bounds{"": nil, " within bounds": {Roots: []string{dir, "/dev"}}} {
			text, err := bounds.Read(tt.path, tt.limit)
			if !errors.Is(err, tt.want) || (err == nil) != (string(text) == "12345") {
				t.Errorf("%s%s: %q, %v; want %v", name, way, text, err, tt.want)
			}
		}
	}
}

func TestBounds(t *testing.T) {
	dir := t.TempDir()
	at := func(path string) string { return filepath.Join(dir, path) }
	write(t, at("outside/secret"), "secret")
	write(t, at("root/file"), "file")
	write(t, at("root/..2026/config"), "config")
	write(t, at("root/own/tokens"), "tokens")
	write(t, at("rootless/file"), "beside")
	link(t, "..2026", at("root/..data"))
	link(t, "..data/config", at("root/config")) // as a mounted config map
	link(t, at("root/file"), at("root/absolute"))
	link(t, "../outside/secret", at("root/escape"))
	link(t, at("outside"), at("root/dir"))
	link(t, "own/tokens", at("root/tokens"))
	link(t, "../outside/none", at("root/dangling"))
	link(t, "loop", at("root/loop"))
	link(t, at("root"), at("link"))

	b := &Bounds{Roots: []string{at("link"), at("missing")}, Except: []string{at("root/own")}}
	for path, want := range map[string]string{
		at("root/file"):            "file",
		at("link/file"):            "file",
		at("root/config"):          "config",
		at("root/absolute"):        "file",
		at("root/./own/../file"):   "file",
		at("root/escape"):          "outside",
		at("root/dir/secret"):      "outside",
		at("root/dir/none"):        "outside",
		at("root/../outside/none"): "outside",
		at("rootless/file"):        "outside",
		"/proc/self/environ":       "outside",
		"/etc/shadow":              "outside",
		at("root/own/tokens"):      "own",
		at("root/own/none"):        "own",
		at("root/tokens"):          "own",
		at("root/none"):            "missing",
		at("root/dangling"):        "outside",
		at("root/loop"):            "too many links",
		at("missing/none"):         "missing",
	} {
		text, err := b.Read(path, 100)
		got := string(text)
		var place *OutsideError
		switch {
		case errors.As(err, &place) && place.Excepted:
			got = "own"
		case errors.As(err, &place):
			got = "outside"
		case errors.Is(err, fs.ErrNotExist):
			got = "missing"
		case errors.Is(err, unix.ELOOP):
			got = "too many links"
		case err != nil:
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %s, want %s (%v)", strings.TrimPrefix(path, dir), got, want, err)
		}
		if checkErr := b.Check(path); (checkErr != nil) != (place != nil) {
			t.Errorf("%s: the check says %v, and the read says %v", path, checkErr, err)
		}
	}
}

// Somebody swaps a link between the check and the open. The read gets the file within the root, or
// fails.
func TestNoSwapLeavesTheRoot(t *testing.T) {
	dir := t.TempDir()
	at := func(path string) string { return filepath.Join(dir, path) }
	write(t, at("outside"), "secret")
	write(t, at("root/file"), "file")
	link(t, "file", at("root/swapped"))
	b := &Bounds{Roots: []string{at("root")}}
	root, rel, err := b.find(at("root/swapped"))
	if err != nil || rel != "file" {
		t.Fatalf("%s, %v", rel, err)
	}
	if err := os.Rename(at("root/file"), at("root/former")); err != nil {
		t.Fatal(err)
	}
	link(t, at("outside"), at("root/file"))
	if f, err := openBelow(root, rel); err == nil {
		_ = f.Close()
		t.Error("the open follows a link out of the root")
	}
}
