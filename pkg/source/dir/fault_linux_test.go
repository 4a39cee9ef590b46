package dir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// bubble runs a test with made-up events, a rescan each 10s, and time that
// passes at once when all wait.
func bubble(t *testing.T, test func(t *testing.T, dir string, s *Source, n *fakeNotifier)) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "filters")
		mkdir(t, dir)
		n := newFakeNotifier()
		s := newSource(t, dir)
		s.rescan = DefaultRescan
		s.notify = n.open
		test(t, dir, s, n)
	})
}

// quiet checks that nothing is emitted for a while.
func (w *watching) quiet(d time.Duration) {
	w.t.Helper()
	time.Sleep(d) // of the bubble
	synctest.Wait()
	select {
	case s := <-w.sets:
		w.t.Fatalf("emitted: %s", describe(s))
	default:
	}
}

func TestRescanWithoutEvents(t *testing.T) {
	bubble(t, func(t *testing.T, dir string, s *Source, _ *fakeNotifier) {
		sub, module := filepath.Join(dir, "sub"), filepath.Join(dir, "..", "m.wasm")
		mkdir(t, sub)
		file := filepath.Join(sub, "a.yaml")
		write(t, file, "name one")
		w := watch(t, s)
		w.until("one")
		w.quiet(25 * time.Second)

		write(t, file, "name two module ../../m.wasm")
		w.until("two")
		write(t, module, "module")
		w.untilChanged(module, "missing")
		must(t, os.Rename(sub, filepath.Join(dir, "bus")))
		write(t, filepath.Join(dir, "b.yaml"), "name b")
		w.until("b two")
		must(t, os.RemoveAll(dir))
		w.until("unavailable directory_missing")
		w.quiet(25 * time.Second)
		mkdir(t, dir)
		w.until("")
	})
}

func TestRescanDoesNotPassOnWhatIsHalfDone(t *testing.T) {
	bubble(t, func(t *testing.T, dir string, s *Source, _ *fakeNotifier) {
		file := filepath.Join(dir, "a.yaml")
		write(t, file, "name one\nname two")
		w := watch(t, s)
		w.until("one two")
		time.Sleep(DefaultRescan - time.Millisecond)
		write(t, file, "name one")
		time.Sleep(5 * time.Millisecond)
		synctest.Wait()
		write(t, file, "name one\nname three")
		if got := describe(w.next()); got != "one three" {
			t.Errorf("emitted %s", got)
		}
	})
}

func TestStreamOfEventsIsHeldOff(t *testing.T) {
	bubble(t, func(t *testing.T, dir string, s *Source, n *fakeNotifier) {
		s.rescan = -1
		w := watch(t, s)
		w.next()
		start := time.Now()
		file := filepath.Join(dir, "a.yaml")
		for i := 0; time.Since(start) < 990*time.Millisecond; i++ {
			write(t, file, fmt.Sprint("name n", i))
			n.events <- fsnotify.Event{Name: file, Op: fsnotify.Write}
			time.Sleep(10 * time.Millisecond)
		}
		w.next()
		if n := len(w.sets); n > 1 {
			t.Errorf("%d sets too many in a second of events", n-1)
		}
	})
}

func TestManyEventsAtOnceAreOneSet(t *testing.T) {
	bubble(t, func(t *testing.T, dir string, s *Source, n *fakeNotifier) {
		w := watch(t, s)
		w.next()
		for i := range 1000 {
			file := filepath.Join(dir, fmt.Sprint(i, ".yaml"))
			write(t, file, fmt.Sprint("name n", i))
			n.events <- fsnotify.Event{Name: file, Op: fsnotify.Create}
		}
		if got := len(w.next().Specs); got != 1000 {
			t.Errorf("the first set has %d specs", got)
		}
		w.quiet(time.Second)
	})
}

func TestEventsElsewhereConcernNobody(t *testing.T) {
	bubble(t, func(t *testing.T, dir string, s *Source, n *fakeNotifier) {
		w := watch(t, s)
		w.next()
		for _, name := range []string{filepath.Join(dir, "x.wasm"), filepath.Join(dir, "4913"), filepath.Join(filepath.Dir(dir), "log")} {
			n.events <- fsnotify.Event{Name: name, Op: fsnotify.Create | fsnotify.Write}
		}
		write(t, filepath.Join(dir, "a.yaml"), "name a") // would be seen if anything were looked at
		w.quiet(time.Second)
	})
}

func TestWatchLimit(t *testing.T) {
	bubble(t, func(t *testing.T, dir string, s *Source, n *fakeNotifier) {
		sub := filepath.Join(dir, "sub")
		mkdir(t, sub)
		n.setFail(func(d string) error {
			if d == sub {
				return fmt.Errorf("add: %w", syscall.ENOSPC)
			}
			return nil
		})
		w := watch(t, s)
		set := w.until("degraded:watch_limit")
		if !strings.Contains(set.Degraded.Hint, "fs.inotify.max_user_watches") {
			t.Errorf("hint: %s", set.Degraded.Hint)
		}
		write(t, filepath.Join(sub, "a.yaml"), "name a")
		w.until("a degraded:watch_limit")
		n.setFail(nil)
		w.until("a")
		w.quiet(25 * time.Second)
	})
}

func TestUnwatchableAncestorIsLeftToTheRescan(t *testing.T) {
	bubble(t, func(t *testing.T, dir string, s *Source, n *fakeNotifier) {
		n.setFail(func(d string) error {
			if d != dir {
				return syscall.EACCES
			}
			return nil
		})
		watch(t, s).until("")
	})
}

func TestNoNotifier(t *testing.T) {
	for _, tt := range []struct {
		err  error
		code string
	}{{syscall.EMFILE, "watch_limit"}, {syscall.ENOSYS, "watch_unavailable"}} {
		bubble(t, func(t *testing.T, dir string, s *Source, n *fakeNotifier) {
			var works atomic.Bool
			s.notify = func() (notifier, error) {
				if works.Load() {
					return n, nil
				}
				return nil, tt.err
			}
			w := watch(t, s)
			if e := w.until("degraded:" + tt.code).Degraded; e.Hint == "" {
				t.Errorf("no hint: %v", e)
			}
			write(t, filepath.Join(dir, "a.yaml"), "name a")
			w.until("a degraded:" + tt.code)
			works.Store(true)
			w.until("a")
			if n.added(dir) != 1 {
				t.Error("the directory is not watched")
			}
		})
	}
}

func TestOverflow(t *testing.T) {
	bubble(t, func(t *testing.T, dir string, s *Source, n *fakeNotifier) {
		s.rescan = -1
		w := watch(t, s)
		w.next()
		write(t, filepath.Join(dir, "a.yaml"), "name a")
		n.errs <- errors.New("something else")
		w.quiet(time.Second)
		n.errs <- fsnotify.ErrEventOverflow
		w.until("a")
		if got := n.added(dir); got != 2 {
			t.Errorf("the directory was watched %d times, want again after the overflow", got)
		}
	})
}

func TestInboxIsBounded(t *testing.T) {
	b := newInbox()
	for i := range inboxLimit + 1 {
		b.put(fsnotify.Event{Name: fmt.Sprint("/", i), Op: fsnotify.Write})
	}
	got := b.take()
	if !got.overflow || len(got.ops) != 1 {
		t.Errorf("overflow %v with %d paths", got.overflow, len(got.ops))
	}
	if again := b.take(); again.overflow || len(again.ops) != 0 {
		t.Error("taken twice")
	}
}

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
		w.quiet(25 * time.Second) // it is not read again for nothing
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

// otherDevice makes a file look as if it lay in another file system.
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

// frozen is a file whose stamp never shows a change of its content.
type frozen struct {
	fs.FileInfo
	modified time.Time
}

func (f frozen) ModTime() time.Time { return f.modified }
func (f frozen) Sys() any           { return nil }

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
