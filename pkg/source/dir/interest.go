package dir

import (
	"path/filepath"
	"slices"

	"github.com/fsnotify/fsnotify"
)

// interest contains the paths on which the last set depends. All paths are real. A look at
// everything replaces the interest, and a smaller look only adds paths.
type interest struct {
	dirs     map[string]identity // directories to watch
	triggers map[string]struct{} // directories and links on paths; their change causes a look at everything
	trees    map[string][]*node  // directories of specs
	leaves   map[string][]string // referenced files, each with the paths of its references
}

// newInterest returns an empty interest with space for this number of referenced files.
func newInterest(leaves int) *interest {
	return &interest{
		dirs:     map[string]identity{},
		triggers: map[string]struct{}{},
		trees:    map[string][]*node{},
		leaves:   make(map[string][]string, leaves),
	}
}

func (i *interest) addTree(n *node) {
	if !slices.Contains(i.trees[n.real], n) {
		i.trees[n.real] = append(i.trees[n.real], n)
	}
}

func (i *interest) addLeaf(real, ref string) {
	if !slices.Contains(i.leaves[real], ref) {
		i.leaves[real] = append(i.leaves[real], ref)
	}
}

// dirty is the work of the next look.
type dirty struct {
	all     bool
	entries map[entryKey]struct{}
	refs    map[string]struct{} // paths of references
	gone    map[string]struct{} // watched directories that may have been replaced
	lost    bool                // events were lost, so no watch is reliable
	found   *rescan             // findings of a rescan; if they still apply, the look covers everything
}

// entryKey is a name in a directory of specs.
type entryKey struct {
	node *node
	name string
}

// concern adds the paths of the events to d. some reports whether any event matters. c is the least
// completeness of these events.
func (s *state) concern(b batch, d *dirty) (some bool, c completeness) {
	c = alone
	if b.overflow {
		d.all, d.lost, some, c = true, true, true, unfinished
	}
	for path, change := range b.changes {
		concerned, spec := s.concernPath(path, change.op, d)
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

// concernPath reports whether an event for path matters, and whether the path is only a spec file.
func (s *state) concernPath(path string, op fsnotify.Op, d *dirty) (some, spec bool) {
	moved := op.Has(fsnotify.Create) || op.Has(fsnotify.Remove) || op.Has(fsnotify.Rename)
	if moved && s.watches.has(path) {
		put(&d.gone, path)
		// The code below checks every use of the watch. A directory on the path to a file is a
		// trigger.
	}
	if _, ok := s.want.triggers[path]; ok {
		d.all, some = true, true
	}
	for _, ref := range s.want.leaves[path] {
		put(&d.refs, ref)
		some = true
	}
	name := filepath.Base(path)
	if skipped(name) {
		return some, false
	}
	spec = !some && isSpecName(name)
	for _, n := range s.want.trees[filepath.Dir(path)] {
		if s.concernsTree(n, path, name, moved) {
			put(&d.entries, entryKey{n, name})
			some, spec = true, spec && n.dirs[name] == nil
		}
	}
	return some, spec
}

// concernsTree ignores modules that are built in a directory of specs, so that they cause no read.
func (s *state) concernsTree(n *node, path, name string, moved bool) bool {
	if isSpecName(name) || n.dirs[name] != nil {
		return true
	}
	if !moved {
		return false
	}
	info, err := s.src.disk.stat(path)
	return err == nil && info.IsDir()
}

func put[K comparable](m *map[K]struct{}, k K) {
	if *m == nil {
		*m = map[K]struct{}{}
	}
	(*m)[k] = struct{}{}
}
