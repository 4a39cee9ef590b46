package dir

import (
	"errors"
	"path/filepath"
	"strings"
	"syscall"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// watches is the set of watched directories. All paths are real, because inotify has one watch per
// inode and reports events under the first path.
type watches struct {
	open  func() (notifier, error)
	log   *zap.Logger
	inbox *inbox

	n      notifier // nil: no notifier is available
	pumped chan struct{}
	dirs   map[string]identity
	byID   map[identity]string
	limit  error // why some directories are not watched; nil: all are
}

func newWatches(open func() (notifier, error), log *zap.Logger) *watches {
	return &watches{
		open: open, log: log, inbox: newInbox(),
		dirs: map[string]identity{}, byID: map[identity]string{},
	}
}

// begin starts a look at everything, in which failed watches get another attempt.
func (w *watches) begin() {
	w.limit = nil
	if w.n != nil {
		return
	}
	n, err := w.open()
	if err != nil {
		w.limit = err
		return
	}
	w.n, w.pumped = n, make(chan struct{})
	go func() {
		defer close(w.pumped)
		w.inbox.pump(n, w.log)
	}()
}

func (w *watches) close() {
	if w.n == nil {
		return
	}
	if err := w.n.Close(); err != nil {
		w.log.Debug("fsnotify", zap.Error(err))
	}
	<-w.pumped
	w.n = nil
}

// add watches a directory with the given identity, and reports whether the watch is new.
func (w *watches) add(dir string, id identity) bool {
	if w.n == nil {
		return false
	}
	if known, ok := w.dirs[dir]; ok {
		if known == id {
			return false
		}
		w.drop(dir) // another directory is at the path now
	}
	if id != (identity{}) {
		if old, ok := w.byID[id]; ok {
			w.drop(old) // the directory was moved here, and its events would have the old path
		}
	}
	if isLimit(w.limit) {
		return false // further attempts would fail, too
	}
	if err := w.n.Add(dir); err != nil {
		w.log.Debug("cannot watch a directory", zap.String("dir", dir), zap.Error(err))
		// Only the rescan covers a directory on the path that cannot be read.
		if isLimit(err) {
			w.limit = err
		}
		return false
	}
	w.dirs[dir] = id
	if id != (identity{}) {
		w.byID[id] = dir
	}
	return true
}

// complete reports whether no attempt to watch a directory has failed since begin.
func (w *watches) complete() bool { return w.limit == nil }

func (w *watches) has(dir string) bool {
	_, ok := w.dirs[dir]
	return ok
}

// drop ends the watches of a directory and of everything below.
func (w *watches) drop(dir string) {
	below := strings.TrimSuffix(dir, string(filepath.Separator)) + string(filepath.Separator)
	for d := range w.dirs {
		if d == dir || strings.HasPrefix(d, below) {
			w.remove(d)
		}
	}
}

// retain ends the watches of all directories but these.
func (w *watches) retain(dirs map[string]identity) {
	for d := range w.dirs {
		if _, ok := dirs[d]; !ok {
			w.remove(d)
		}
	}
}

func (w *watches) remove(dir string) {
	id := w.dirs[dir]
	delete(w.dirs, dir)
	if w.byID[id] == dir {
		delete(w.byID, id)
	}
	// An error only says the watch has already ended.
	_ = w.n.Remove(dir)
}

func isLimit(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EMFILE) ||
		errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ENOMEM)
}

// degraded describes why some directories are not watched, or returns nil.
func (w *watches) degraded() *spec.Error {
	if w.limit == nil {
		return nil
	}
	e := &spec.Error{
		Code:    CodeWatchLimit,
		Message: "changes are noticed by rescan only: " + w.limit.Error(),
	}
	switch {
	case errors.Is(w.limit, syscall.ENOSPC):
		e.Message = "changes are noticed by rescan only: the limit of inotify watches is reached"
		e.Hint = "raise fs.inotify.max_user_watches, for example: sysctl fs.inotify.max_user_watches=524288"
	case errors.Is(w.limit, syscall.EMFILE):
		e.Message = "changes are noticed by rescan only: the limit of inotify instances or of open files is reached"
		e.Hint = "raise fs.inotify.max_user_instances, for example: sysctl fs.inotify.max_user_instances=1024; or the limit of open files (ulimit -n)"
	case !isLimit(w.limit):
		e.Code = CodeWatchUnavailable
		e.Hint = "this system gives no file events"
	}
	return e
}
