package dir

import (
	"path/filepath"
	"slices"

	"github.com/fsnotify/fsnotify"
)

// interest says which paths the last set depends on. All paths are real.
// A look at everything makes it anew; smaller looks only add to it.
type interest struct {
	dirs     map[string]identity // to be watched
	triggers map[string]struct{} // directories on the way, links: looked at everything when they change
	trees    map[string][]*node  // directories of specs
	leaves   map[string][]string // the files that are referred to, with the paths of the references
}

// newInterest is none yet; it will be in about as many files that are referred to.
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

// dirty is what a look has to look at.
type dirty struct {
	all     bool
	entries map[entryKey]struct{}
	refs    map[string]struct{} // paths of references
	gone    map[string]struct{} // watched directories that may be other ones now
	lost    bool                // events were lost: no watch can be relied on
	found   *rescan             // what is still as it found it has everything looked at
}

// entryKey is a name in a directory of specs.
type entryKey struct {
	node *node
	name string
}

// concern adds to d what the events concern, and says whether that is anything,
// and how complete all of it is.
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

// concernPath says whether the path is anything, and whether it is that of a spec file only.
func (s *state) concernPath(path string, op fsnotify.Op, d *dirty) (some, spec bool) {
	moved := op.Has(fsnotify.Create) || op.Has(fsnotify.Remove) || op.Has(fsnotify.Rename)
	if moved && s.watches.has(path) {
		put(&d.gone, path)
		// Whatever it was watched for is looked at below; a directory that is
		// on the way to something is a trigger.
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

// concernsTree keeps a directory from being read because of the modules that
// are built in it.
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
