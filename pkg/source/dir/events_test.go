package dir

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"
	"go.uber.org/zap"
)

// bubble runs a test with simulated events, a rescan every 10s, and a fake clock.
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

// quiet checks that no set is emitted during d.
func (w *watching) quiet(d time.Duration) {
	w.t.Helper()
	time.Sleep(d) // time of the bubble
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
		write(t, filepath.Join(dir, "a.yaml"), "name a") // any look would notice this file
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
		w := watch(t, s)
		w.until("")
		n.setFail(nil)
		w.quiet(25 * time.Second)
		if got := n.added(filepath.Dir(dir)); got != 1 {
			t.Errorf("the directory above was watched %d times since that can be done", got)
		}
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
	if !got.overflow || len(got.changes) != 1 {
		t.Errorf("overflow %v with %d paths", got.overflow, len(got.changes))
	}
	if again := b.take(); again.overflow || len(again.changes) != 0 {
		t.Error("taken twice")
	}
}

func TestMovedDirectoryIsWatchedAnew(t *testing.T) {
	bubble(t, func(t *testing.T, dir string, s *Source, n *fakeNotifier) {
		sub := filepath.Join(dir, "sub")
		mkdir(t, filepath.Join(sub, "below"))
		w := watch(t, s)
		w.next()
		// The directory moves away and back: the inode and path stay the same, but fsnotify ends a
		// watch when its directory moves.
		n.events <- fsnotify.Event{Name: sub, Op: fsnotify.Rename}
		n.events <- fsnotify.Event{Name: sub, Op: fsnotify.Create}
		w.quiet(time.Second)
		for _, d := range []string{sub, filepath.Join(sub, "below")} {
			if got := n.added(d); got != 2 {
				t.Errorf("%s was watched %d times, want again after the move", d, got)
			}
		}
	})
}

func TestDirectoriesAreWatchedBeforeTheyAreLookedInto(t *testing.T) {
	bubble(t, func(t *testing.T, dir string, s *Source, n *fakeNotifier) {
		lib := filepath.Join(filepath.Dir(dir), "lib")
		mkdir(t, lib)
		mkdir(t, filepath.Join(dir, "sub"))
		write(t, filepath.Join(dir, "sub", "a.yaml"), "name a module ../../lib/m.wasm")
		readDir, lstat := s.disk.readDir, s.disk.lstat
		s.disk.readDir = func(p string) ([]fs.DirEntry, error) {
			if n.added(p) == 0 {
				t.Errorf("%s was read before it was watched", p)
			}
			return readDir(p)
		}
		s.disk.lstat = func(p string) (fs.FileInfo, error) {
			if parent := filepath.Dir(p); p != parent && n.added(parent) == 0 {
				t.Errorf("%s was looked at before its directory was watched", p)
			}
			return lstat(p)
		}
		watch(t, s).until("a")
	})
}

func TestWatchesEndWithTheReference(t *testing.T) {
	bubble(t, func(t *testing.T, dir string, s *Source, n *fakeNotifier) {
		lib := filepath.Join(filepath.Dir(dir), "lib")
		mkdir(t, lib)
		write(t, filepath.Join(dir, "a.yaml"), "name a module ../lib/m.wasm")
		w := watch(t, s)
		w.next()
		if n.added(lib) != 1 {
			t.Fatal("the module's directory is not watched")
		}
		write(t, filepath.Join(dir, "a.yaml"), "name a")
		n.events <- fsnotify.Event{Name: filepath.Join(dir, "a.yaml"), Op: fsnotify.Write}
		w.until("a")
		w.quiet(25 * time.Second)
		if !slices.Contains(n.removed(), lib) {
			t.Error("the module's directory is still watched")
		}
	})
}

func TestWatchesFollowIdentities(t *testing.T) {
	n := newFakeNotifier()
	w := newWatches(n.open, zap.NewNop())
	w.begin()
	defer w.close()
	id := func(ino uint64) identity { return identity{dev: 1, ino: ino} }
	w.add("/a", id(1))
	w.add("/a/b", id(2))
	w.add("/ab", id(3))
	w.add("/a", id(1))
	if got := n.added("/a"); got != 1 {
		t.Errorf("watched %d times for nothing", got-1)
	}

	w.add("/a", id(4)) // another directory at the same path
	if got := n.added("/a"); got != 2 {
		t.Error("the directory that took another's place is not watched")
	}
	if w.has("/a/b") || !w.has("/ab") {
		t.Errorf("watched: %v", slices.Sorted(maps.Keys(w.dirs)))
	}

	w.add("/c", id(4)) // the directory was moved
	if got := slices.Sorted(maps.Keys(w.dirs)); !slices.Equal(got, []string{"/ab", "/c"}) {
		t.Errorf("watched after a move: %v", got)
	}
	w.drop("/")
	if len(w.dirs) != 0 || len(w.byID) != 0 {
		t.Errorf("left: %v, %v", w.dirs, w.byID)
	}
}
