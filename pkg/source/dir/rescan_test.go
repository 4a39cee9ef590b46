package dir

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"
	"go.uber.org/zap"
)

// TestRescanFindsAnyChange makes random changes without events, before and during a rescan, and
// reads other edits meanwhile. After another rescan the set equals the set of a new source, and a
// further rescan finds nothing.
func TestRescanFindsAnyChange(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 2))
			base := t.TempDir()
			dir := filepath.Join(base, "filters")
			w := newWatches(newFakeNotifier().open, zap.NewNop())
			defer w.close()
			s := New(Config{Dir: dir, Decode: fakeDecode})
			st := newView(&s.settings, dir, w)
			last := st.look(dirty{all: true})
			beside := 0
			for round := range 150 {
				changes := func(most int) {
					for range r.IntN(most + 1) {
						change(r, dir, base)
					}
				}
				changes(4)
				if !st.calm() {
					last = st.look(dirty{all: true})
					continue
				}
				// Like the loop, but with changes at every possible point.
				run := st.rescan(nil)
				changes(1)
				if d := (dirty{}); r.IntN(2) == 0 && anEntry(r, st, &d) {
					last = st.look(d)
					beside++
				}
				found := run()
				changes(1)
				if d := (dirty{}); st.calm() && st.rescanned(found, &d) {
					last = st.look(d)
				}
				if !st.calm() {
					continue
				}
				if d := (dirty{}); st.rescanned(st.rescan(nil)(), &d) {
					last = st.look(d)
				}
				if got, want := whole(last), fresh(dir); got != want {
					t.Fatalf("round %d: the set is\n%s\nwant\n%s", round, got, want)
				}
				if !st.calm() {
					continue
				}
				for _, missing := range watchedAnew(st) {
					t.Errorf("round %d: %s is not watched", round, missing)
				}
				again := st.rescan(nil)()
				if again.differs || st.lacks(again, dirty{}) {
					t.Errorf("round %d: a rescan of what is known finds %+v", round, again)
				}
			}
			if beside == 0 {
				t.Error("nothing was read beside a rescan")
			}
		})
	}
}

// anEntry marks entries as dirty, as an event would.
func anEntry(r *rand.Rand, st *view, d *dirty) bool {
	for _, nodes := range st.want.trees {
		put(&d.entries, entryKey{nodes[0], fmt.Sprint("f", r.IntN(3), ".yaml")})
	}
	return len(d.entries) > 0
}

// watchedAnew returns the directories that a new source would watch and st does not.
func watchedAnew(st *view) (missing []string) {
	w := newWatches(newFakeNotifier().open, zap.NewNop())
	defer w.close()
	newView(st.settings, st.root.abs, w).look(dirty{all: true})
	for dir, id := range w.dirs {
		if st.watches.dirs[dir] != id {
			missing = append(missing, dir)
		}
	}
	return missing
}

// stuckDisk blocks looks at one path while stuck is set.
type stuckDisk struct {
	stuck   atomic.Bool
	waiting chan struct{} // receives one element for each blocked look
	release chan struct{}
}

func newStuckDisk(s *Source, path string) *stuckDisk {
	d := &stuckDisk{waiting: make(chan struct{}, 100), release: make(chan struct{})}
	lstat := s.disk.lstat
	s.disk.lstat = func(p string) (fs.FileInfo, error) {
		if p == path && d.stuck.Load() {
			d.waiting <- struct{}{}
			<-d.release
		}
		return lstat(p)
	}
	return d
}

func TestEditDoesNotWaitForARescan(t *testing.T) {
	bubble(t, func(t *testing.T, dir string, s *Source, n *fakeNotifier) {
		a, b, slow := filepath.Join(dir, "a.yaml"), filepath.Join(dir, "b.yaml"), filepath.Join(dir, "slow.yaml")
		write(t, a, "name a")
		write(t, b, "name b")
		write(t, slow, "name slow")
		disk := newStuckDisk(s, slow)
		w := watch(t, s)
		w.until("a b slow")
		disk.stuck.Store(true)
		<-disk.waiting
		replace(t, b, "name b2") // no event: the rescan may already have passed the file
		replace(t, a, "name a2")
		n.events <- fsnotify.Event{Name: a, Op: fsnotify.Create}
		if got := describe(w.next()); got != "a2 b slow" {
			t.Fatalf("beside the rescan: %s", got)
		}
		disk.stuck.Store(false)
		close(disk.release)
		w.until("a2 b2 slow")
		w.quiet(25 * time.Second)
	})
}

// TestWhatWasReadMeanwhileIsNoDifference reads an edit of a spec and of a module during or after a
// rescan, together with another edit.
func TestWhatWasReadMeanwhileIsNoDifference(t *testing.T) {
	for _, tt := range []struct {
		name    string
		actions string // edit, run the rescan, take its findings, look at the paths of events
		full    int    // the number of looks at everything
	}{
		{"read before the rescan sees it", "elrt", 0},
		{"read after the rescan has seen it", "erlt", 0},
		{"read when the rescan is over", "ertl", 0},
		{"edited again", "erelt", 0},
		{"no event", "ert", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			file, module := filepath.Join(dir, "a.yaml"), filepath.Join(dir, "m.wasm")
			write(t, file, "name a module m.wasm")
			w := newWatches(newFakeNotifier().open, zap.NewNop())
			defer w.close()
			st := newView(&New(Config{Dir: dir, Decode: fakeDecode}).settings, dir, w)
			st.look(dirty{all: true})
			before := st.counts.all

			run, found, d, edits := st.rescan(nil), (*findings)(nil), dirty{}, 0
			for _, action := range tt.actions {
				switch action {
				case 'e':
					edits++
					replace(t, file, fmt.Sprintf("name a%d module m.wasm", edits))
					replace(t, module, fmt.Sprint("module ", edits))
				case 'r':
					found = run()
				case 't':
					st.rescanned(found, &d)
				case 'l':
					put(&d.entries, entryKey{st.root.tree, "a.yaml"})
					put(&d.refs, module)
					st.look(d)
					d = dirty{}
				}
			}
			if got, want := whole(st.look(d)), fresh(dir); got != want {
				t.Errorf("the set is\n%s\nwant\n%s", got, want)
			}
			if got := st.counts.all - before; got != tt.full {
				t.Errorf("%d looks at everything, want %d", got, tt.full)
			}
		})
	}
}

// The source notices changes between a rescan and a watch that failed at first.
func TestWhatIsWatchedAtLastIsLookedAt(t *testing.T) {
	bubble(t, func(t *testing.T, dir string, s *Source, n *fakeNotifier) {
		lib := filepath.Join(filepath.Dir(dir), "lib")
		module := filepath.Join(lib, "m.wasm")
		mkdir(t, lib)
		write(t, filepath.Join(dir, "a.yaml"), "name a module ../lib/m.wasm")
		var works atomic.Bool
		var watched time.Time
		n.setFail(func(d string) error {
			switch {
			case d != lib:
			case !works.Load():
				return syscall.EACCES
			default:
				watched = time.Now()
				return os.WriteFile(module, []byte("module"), 0o644)
			}
			return nil
		})
		w := watch(t, s)
		w.until("a")
		works.Store(true)
		w.untilChanged(module, "missing")
		if late := time.Since(watched); late > time.Second {
			t.Errorf("it was seen %s later", late)
		}
	})
}

func TestRescanLooksAtEachFileOnce(t *testing.T) {
	dir := t.TempDir()
	const files = 50
	for i := range files {
		write(t, filepath.Join(dir, fmt.Sprint("f", i, ".yaml")), fmt.Sprintf("name f%d module m%d.wasm", i, i))
	}
	s := New(Config{Dir: dir, Decode: fakeDecode})
	w := newWatches(newFakeNotifier().open, zap.NewNop())
	defer w.close()
	lstat := s.disk.lstat
	s.disk.lstat = func(p string) (fs.FileInfo, error) { // an old modification time
		info, err := lstat(p)
		if err == nil && isSpecName(filepath.Base(p)) {
			return frozen{info, time.Unix(1, 0)}, nil
		}
		return info, err
	}
	st := newView(&s.settings, dir, w)
	st.look(dirty{all: true})
	st.root.tree.eachFile(func(f *file) { f.racy = true })
	lstats, reads := counted(s)
	for _, want := range []int64{files, 0} { // a file that was read just after its change is read once more
		lstats.Store(0)
		reads.Store(0)
		found := st.rescan(nil)()
		if d := (dirty{}); st.rescanned(found, &d) {
			t.Errorf("found %+v", found)
		}
		if n := lstats.Load(); n > 2*files+20 {
			t.Errorf("%d looks at %d files and %d modules", n, files, files)
		}
		if n := reads.Load(); n != want {
			t.Errorf("%d files were read, want %d", n, want)
		}
	}
}

func TestRescanEndsWithTheSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		for i := range 100 {
			write(t, filepath.Join(dir, fmt.Sprint("f", i, ".yaml")), fmt.Sprint("name f", i))
		}
		s := New(Config{Dir: dir, Decode: fakeDecode})
		s.notify = newFakeNotifier().open
		disk := newStuckDisk(s, dir) // at the rescan's first look
		lstats, _ := counted(s)
		w := watch(t, s)
		w.next()
		disk.stuck.Store(true)
		<-disk.waiting
		before := lstats.Load()
		go w.stop()
		synctest.Wait()
		close(disk.release)
		w.stop()
		if n := lstats.Load() - before; n > 0 {
			t.Errorf("%d more looks after the end", n)
		}
	})
}
