package dir

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"go.uber.org/goleak"
	"go.uber.org/zap/zaptest"

	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeDecode decodes documents of one line each:
//
//	name NAME [module FILE] [config FILE]
//	error NAME
//	broken
//
// References are relative to the file.
func fakeDecode(file string, text []byte) (specs []*spec.Spec, errs []*spec.Error, broken bool) {
	for i, line := range strings.Split(string(text), "\n") {
		pos := spec.Position{File: file, Line: i + 1, Column: 1}
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		switch words[0] {
		case "name":
			s := &spec.Spec{Name: words[1], File: file, Line: i + 1}
			for w := words[2:]; len(w) > 1; w = w[2:] {
				abs, err := filepath.Abs(filepath.Join(filepath.Dir(file), w[1]))
				if err != nil {
					panic(err)
				}
				ref := &spec.FileRef{Path: abs, As: w[1], Pos: pos}
				if w[0] == "module" {
					s.Module.File = ref
				} else {
					s.ConfigFrom = ref
				}
			}
			specs = append(specs, s)
		case "error":
			errs = append(errs, &spec.Error{Code: "bad_value", Message: "bad", Name: words[1], Pos: pos})
		case "broken":
			errs = append(errs, &spec.Error{Code: "bad_yaml", Message: "broken", Pos: pos})
			return specs, errs, true
		}
	}
	return specs, errs, false
}

// watching is a running source.
type watching struct {
	t    *testing.T
	sets chan source.Set
	stop func()
}

// newSource makes a source with the fake decoder.
func newSource(t *testing.T, dir string) *Source {
	t.Helper()
	return New(Config{
		Dir: dir, Decode: fakeDecode, Logger: zaptest.NewLogger(t),
		Rescan: -1, // a test waits for the result of events only
	})
}

// watch runs a source until the test ends or stop is called.
func watch(t *testing.T, s *Source) *watching {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w := &watching{t: t, sets: make(chan source.Set, 1000)}
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, func(set source.Set) { w.sets <- set }) }()
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != context.Canceled {
			t.Errorf("Run = %v", err)
		}
	})
	t.Cleanup(w.stop)
	return w
}

// timeout ends a failing test. Passing tests never wait for the timeout.
func timeout() <-chan time.Time { return time.After(time.Minute) }

// next waits for the next set.
func (w *watching) next() source.Set {
	w.t.Helper()
	select {
	case s := <-w.sets:
		return s
	case <-timeout():
		w.t.Fatal("no set came")
		panic("unreachable")
	}
}

// until waits for a set with this description and ignores other sets before.
func (w *watching) until(want string) source.Set {
	w.t.Helper()
	last := "nothing"
	for deadline := timeout(); ; {
		select {
		case s := <-w.sets:
			if last = describe(s); last == want {
				return s
			}
		case <-deadline:
			w.t.Fatalf("the last set was\n%s\nwant\n%s", last, want)
		}
	}
}

// untilChanged waits for another fingerprint of a file.
func (w *watching) untilChanged(path, from string) string {
	w.t.Helper()
	for {
		if now := w.next().References[path]; now != from {
			return now
		}
	}
}

// describe describes a set: names, errors with code and file:line, broken files.
func describe(s source.Set) string {
	if s.Unavailable != nil {
		return "unavailable " + s.Unavailable.Code
	}
	var words []string
	for _, sp := range s.Specs {
		words = append(words, sp.Name)
	}
	for _, e := range s.Errors {
		pos := e.Pos
		pos.Column = 0
		pos.File = filepath.Base(pos.File)
		words = append(words, e.Code+"@"+pos.String())
	}
	for _, f := range s.BrokenFiles {
		words = append(words, "broken:"+filepath.Base(f))
	}
	if s.Degraded != nil {
		words = append(words, "degraded:"+s.Degraded.Code)
	}
	return strings.Join(words, " ")
}

func write(t *testing.T, path, text string) {
	t.Helper()
	must(t, os.WriteFile(path, []byte(text), 0o644))
}

// replace writes a temporary file and renames the file over path.
func replace(t *testing.T, path, text string) {
	t.Helper()
	write(t, path+".tmp123", text)
	must(t, os.Rename(path+".tmp123", path))
}

func mkdir(t *testing.T, path string) {
	t.Helper()
	must(t, os.MkdirAll(path, 0o755))
}

// relink changes the target of a symbolic link atomically.
func relink(t *testing.T, target, link string) {
	t.Helper()
	must(t, os.Symlink(target, link+"_tmp"))
	must(t, os.Rename(link+"_tmp", link))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fakeNotifier delivers the events of a test.
type fakeNotifier struct {
	events chan fsnotify.Event
	errs   chan error

	mu      sync.Mutex
	watched map[string]int // the number of Adds of each directory
	ended   []string       // the removed directories
	fail    func(dir string) error
}

func newFakeNotifier() *fakeNotifier {
	return &fakeNotifier{events: make(chan fsnotify.Event), errs: make(chan error), watched: map[string]int{}}
}

func (n *fakeNotifier) open() (notifier, error) { return n, nil }

func (n *fakeNotifier) Add(dir string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.fail != nil {
		if err := n.fail(dir); err != nil {
			return err
		}
	}
	n.watched[dir]++
	return nil
}

func (n *fakeNotifier) Remove(dir string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ended = append(n.ended, dir)
	return nil
}

func (n *fakeNotifier) removed() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.ended)
}

func (n *fakeNotifier) Close() error {
	close(n.events)
	close(n.errs)
	return nil
}

func (n *fakeNotifier) Events() <-chan fsnotify.Event { return n.events }
func (n *fakeNotifier) Errors() <-chan error          { return n.errs }

func (n *fakeNotifier) setFail(fail func(string) error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.fail = fail
}

func (n *fakeNotifier) added(dir string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.watched[dir]
}

// counted counts the calls of lstat and readFile.
func counted(s *Source) (lstats, reads *atomic.Int64) {
	lstats, reads = new(atomic.Int64), new(atomic.Int64)
	lstat, read := s.disk.lstat, s.disk.readFile
	s.disk.lstat = func(p string) (fs.FileInfo, error) { lstats.Add(1); return lstat(p) }
	s.disk.readFile = func(p string, limit int64) ([]byte, error) { reads.Add(1); return read(p, limit) }
	return lstats, reads
}

// frozen is a file with a stamp that stays the same when the content changes.
type frozen struct {
	fs.FileInfo
	modified time.Time
}

func (f frozen) ModTime() time.Time { return f.modified }
func (f frozen) Sys() any           { return nil }
