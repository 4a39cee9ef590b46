package dir

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func TestUnreadableFile(t *testing.T) {
	bubble(t, func(t *testing.T, dir string, s *Source, _ *fakeNotifier) {
		file := filepath.Join(dir, "a.yaml")
		var faulty atomic.Bool
		read := s.disk.readFile
		s.disk.readFile = func(p string, limit int64) ([]byte, error) {
			if p == file && faulty.Load() {
				return nil, &fs.PathError{Op: "open", Path: p, Err: syscall.EACCES}
			}
			return read(p, limit)
		}
		write(t, file, "name a")
		write(t, filepath.Join(dir, "b.yaml"), "name b")
		w := watch(t, s)
		w.until("a b")
		faulty.Store(true)
		w.quiet(25 * time.Second) // the file is not read again without a reason
		write(t, file, "name a2")
		set := w.until("b unreadable@a.yaml broken:a.yaml")
		if got := set.Errors[0].Error(); strings.Count(got, file) != 1 || set.Errors[0].Hint == "" {
			t.Errorf("error: %s", got)
		}
		faulty.Store(false) // without any other change
		w.until("a2 b")
	})
}

func TestOddFiles(t *testing.T) {
	bubble(t, func(t *testing.T, dir string, s *Source, _ *fakeNotifier) {
		s.limits.fileSize = 100
		must(t, syscall.Mkfifo(filepath.Join(dir, "a.yaml"), 0o644))
		write(t, filepath.Join(dir, "b.yaml"), strings.Repeat("name b\n", 100))
		write(t, filepath.Join(dir, "c.yaml"), " \n")
		write(t, filepath.Join(dir, "d.yaml"), "name d")
		mkdir(t, filepath.Join(dir, "e.yaml"))
		write(t, filepath.Join(dir, "e.yaml", "e.yaml"), "name e")
		must(t, os.Symlink("f.yaml", filepath.Join(dir, "f.yaml")))
		watch(t, s).until("d e unreadable@a.yaml too_large@b.yaml empty_file@c.yaml unreadable@f.yaml " +
			"broken:a.yaml broken:b.yaml broken:c.yaml broken:f.yaml")
	})
}

func TestUnreadableDirectory(t *testing.T) {
	bubble(t, func(t *testing.T, dir string, s *Source, _ *fakeNotifier) {
		var faulty atomic.Value
		faulty.Store("")
		readDir := s.disk.readDir
		s.disk.readDir = func(p string) ([]fs.DirEntry, error) {
			if p == faulty.Load() {
				return nil, &fs.PathError{Op: "open", Path: p, Err: syscall.EACCES}
			}
			return readDir(p)
		}
		sub := filepath.Join(dir, "sub")
		mkdir(t, sub)
		write(t, filepath.Join(dir, "a.yaml"), "name a")
		write(t, filepath.Join(sub, "b.yaml"), "name b")
		w := watch(t, s)
		w.until("a b")
		faulty.Store(sub)
		w.until("a unreadable@sub broken:sub broken:b.yaml") // b is unknown, not gone
		faulty.Store(dir)
		w.until("unavailable directory_unreadable")
		w.quiet(25 * time.Second)
		faulty.Store("")
		w.until("a b")
	})
}

// otherDevice makes a file appear to be in another file system.
type otherDevice struct{ fs.FileInfo }

func (o otherDevice) Sys() any {
	st := *o.FileInfo.Sys().(*syscall.Stat_t)
	st.Dev++
	return &st
}

func TestRemounted(t *testing.T) {
	bubble(t, func(t *testing.T, dir string, s *Source, _ *fakeNotifier) {
		var remounted atomic.Value
		remounted.Store("")
		lstat := s.disk.lstat
		s.disk.lstat = func(p string) (fs.FileInfo, error) {
			info, err := lstat(p)
			if err == nil && p == remounted.Load() {
				return otherDevice{info}, nil
			}
			return info, err
		}
		sub := filepath.Join(dir, "sub")
		mkdir(t, sub)
		write(t, filepath.Join(dir, "a.yaml"), "name a")
		write(t, filepath.Join(sub, "b.yaml"), "name b")
		w := watch(t, s)
		w.until("a b")
		remounted.Store(sub)
		w.until("a directory_remounted@sub broken:sub broken:b.yaml")
		remounted.Store(dir)
		w.until("unavailable directory_remounted")
		w.quiet(25 * time.Second)
		remounted.Store("")
		w.until("a b")
	})
}

func TestChangeBehindTheSameStamp(t *testing.T) {
	for _, tt := range []struct {
		name string
		age  time.Duration
		want bool
	}{{"just written", time.Second, true}, {"long ago", time.Hour, false}} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, dir string, s *Source, _ *fakeNotifier) {
				file := filepath.Join(dir, "a.yaml")
				modified := time.Now().Add(-tt.age)
				lstat := s.disk.lstat
				s.disk.lstat = func(p string) (fs.FileInfo, error) {
					info, err := lstat(p)
					if err == nil && p == file {
						return frozen{info, modified}, nil
					}
					return info, err
				}
				write(t, file, "name one")
				w := watch(t, s)
				w.until("one")
				write(t, file, "name two")
				if tt.want {
					w.until("two")
				} else {
					w.quiet(25 * time.Second)
				}
			})
		})
	}
}

func TestLimits(t *testing.T) {
	bubble(t, func(t *testing.T, dir string, s *Source, n *fakeNotifier) {
		s.limits = limits{depth: 2, dirs: 5, files: 3, fileSize: 100}
		deep := filepath.Join(dir, "1", "2", "3")
		mkdir(t, deep)
		write(t, filepath.Join(deep, "deep.yaml"), "name deep")
		write(t, filepath.Join(dir, "1", "2", "a.yaml"), "name a")
		w := watch(t, s)
		w.until("a directory_too_deep@3 broken:3")
		must(t, os.RemoveAll(deep))
		for _, name := range []string{"b", "c", "d"} {
			file := filepath.Join(dir, name+".yaml")
			write(t, file, "name "+name)
			n.events <- fsnotify.Event{Name: file, Op: fsnotify.Create}
		}
		w.until("unavailable too_many_files")
		must(t, os.Remove(filepath.Join(dir, "b.yaml")))
		w.until("a c d")
		for i := range 5 {
			mkdir(t, filepath.Join(dir, fmt.Sprint("d", i)))
		}
		w.until("unavailable too_many_files")
	})
}

func TestRealDecoder(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.yaml"), "module: {file: ./m.wasm}\n")
	write(t, filepath.Join(dir, "b.yaml"), "module: {file: ./m.wasm\n")
	w := watch(t, New(Config{Dir: dir}))
	set := w.until("a bad_yaml@b.yaml:1 broken:b.yaml")
	if got := set.References; len(got) != 1 || got[filepath.Join(dir, "m.wasm")] != "missing" {
		t.Errorf("references: %v", got)
	}
	if e := set.Errors[0]; e.Code != spec.CodeBadYAML {
		t.Errorf("code %s", e.Code)
	}
}

// A link that would make the set too large fails alone, and the specs beside the link go on.
func TestLinkToTooMuch(t *testing.T) {
	bubble(t, func(t *testing.T, dir string, s *Source, n *fakeNotifier) {
		s.limits = limits{depth: 16, dirs: 20, files: 20, fileSize: 100}
		write(t, filepath.Join(dir, "a.yaml"), "name a")
		large := t.TempDir()
		s.bounds.Roots = append(s.bounds.Roots, large)
		for i := range 30 {
			write(t, filepath.Join(large, fmt.Sprintf("%d.yaml", i)), fmt.Sprintf("name n%d", i))
		}
		link := func(name, target string) {
			t.Helper()
			file := filepath.Join(dir, name)
			must(t, os.Symlink(target, file))
			n.events <- fsnotify.Event{Name: file, Op: fsnotify.Create}
		}
		w := watch(t, s)
		w.until("a")
		link("root", "/")
		w.until("a directory_contains_itself@root broken:root")
		link("up", filepath.Dir(filepath.Dir(dir)))
		w.until("a directory_contains_itself@root directory_contains_itself@up broken:root broken:up")
		link("large", large)
		w.until("a too_many_files@large directory_contains_itself@root directory_contains_itself@up broken:large broken:root broken:up")
		file := filepath.Join(dir, "b.yaml")
		write(t, file, "name b")
		n.events <- fsnotify.Event{Name: file, Op: fsnotify.Create}
		w.until("a b too_many_files@large directory_contains_itself@root directory_contains_itself@up broken:large broken:root broken:up")
		for _, name := range []string{"root", "up", "large"} {
			must(t, os.Remove(filepath.Join(dir, name)))
			n.events <- fsnotify.Event{Name: filepath.Join(dir, name), Op: fsnotify.Remove}
		}
		w.until("a b")
	})
}
