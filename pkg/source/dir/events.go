package dir

import (
	"path/filepath"

	"github.com/fsnotify/fsnotify"
)

// listener decides which events concern the set, and marks the paths of these events as dirty.
type listener struct {
	want    *interest
	watched func(dir string) bool
	isDir   func(path string) bool // asks the disk
}

// hear adds the paths of the events to d. some reports whether any event matters. c is the least
// completeness of these events.
func (l listener) hear(b batch, d *dirty) (some bool, c completeness) {
	c = alone
	if b.overflow {
		d.all, d.lost, some, c = true, true, true, unfinished
	}
	for path, change := range b.changes {
		concerned, spec := l.hearPath(path, change.op, d)
		switch {
		case !concerned:
			continue
		case !change.complete:
			c = unfinished
		case some || !spec:
			c = min(c, complete)
		}
		some = true
	}
	return some, c
}

// hearPath reports whether an event for path matters, and whether the path is only a spec file.
func (l listener) hearPath(path string, op fsnotify.Op, d *dirty) (some, spec bool) {
	moved := op.Has(fsnotify.Create) || op.Has(fsnotify.Remove) || op.Has(fsnotify.Rename)
	if moved && l.watched(path) {
		put(&d.gone, path)
		// The code below checks every use of the watch. A directory on the path to a file is a
		// trigger.
	}
	if _, ok := l.want.triggers[path]; ok {
		d.all, some = true, true
	}
	for _, ref := range l.want.leaves[path] {
		put(&d.refs, ref)
		some = true
	}
	name := filepath.Base(path)
	if skipped(name) {
		return some, false
	}
	spec = !some && isSpecName(name)
	for _, n := range l.want.trees[filepath.Dir(path)] {
		if l.concernsTree(n, path, name, moved) {
			put(&d.entries, entryKey{n, name})
			some, spec = true, spec && n.dirs[name] == nil
		}
	}
	return some, spec
}

// concernsTree ignores modules that are built in a directory of specs, so they cause no read.
func (l listener) concernsTree(n *node, path, name string, moved bool) bool {
	if isSpecName(name) || n.dirs[name] != nil {
		return true
	}
	return moved && l.isDir(path)
}
