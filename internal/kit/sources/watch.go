package sources

import (
	"context"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// settle is the quiet time after an event. Editors write a file in several steps, which follow
	// each other within a millisecond. A later step ends the build, and begins another.
	settle = 5 * time.Millisecond
	// rescan is the time between two looks without any event.
	rescan = 2 * time.Second
)

// Watch calls changed with the changed files after each change, beginning with the tree before,
// until ctx ends. A missing notifier is no error: the regular look finds the changes. A directory
// that cannot be read for a while has no changes.
func Watch(ctx context.Context, dir string, except []string, before Tree, changed func(paths []string)) {
	w := watcher{dir: dir, except: except, tree: before, watched: map[string]bool{}}
	if notifier, err := fsnotify.NewWatcher(); err == nil {
		defer func() { _ = notifier.Close() }() // nothing of it is needed any more
		w.notifier = notifier
	}
	w.run(ctx, changed)
}

type watcher struct {
	dir      string
	except   []string
	tree     Tree
	notifier *fsnotify.Watcher // nil: there are no events
	watched  map[string]bool   // directories
}

func (w *watcher) run(ctx context.Context, changed func([]string)) {
	var events <-chan fsnotify.Event
	var failures <-chan error
	if w.notifier != nil {
		events, failures = w.notifier.Events, w.notifier.Errors
	}
	ticker := time.NewTicker(rescan)
	defer ticker.Stop()
	quiet := time.NewTimer(0) // files may have changed since the first reading
	defer quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-events:
			quiet.Reset(settle)
			continue
		case _ = <-failures: // an overflow: the look finds the changes
		case <-quiet.C:
		case <-ticker.C:
		}
		if paths := w.look(); len(paths) > 0 {
			changed(paths)
		}
	}
}

// look reads the tree, watches new directories, and returns the changes. New watches
// are a reason for a second look, because a file may have come before the watch.
func (w *watcher) look() []string {
	next, dirs, err := Read(w.dir, w.except)
	if err != nil {
		return nil
	}
	if w.watch(dirs) {
		if next, _, err = Read(w.dir, w.except); err != nil {
			return nil
		}
	}
	paths := w.tree.Changes(next)
	w.tree = next
	return paths
}

// watch watches directories, and reports whether any of them is new.
func (w *watcher) watch(dirs []string) (isNew bool) {
	if w.notifier == nil {
		return false
	}
	is := map[string]bool{}
	for _, dir := range dirs {
		is[dir] = true
		if !w.watched[dir] && w.notifier.Add(dir) == nil {
			w.watched[dir], isNew = true, true
		}
	}
	for dir := range w.watched {
		if !is[dir] {
			delete(w.watched, dir)
			_ = w.notifier.Remove(dir) // it is gone already
		}
	}
	return isNew
}
