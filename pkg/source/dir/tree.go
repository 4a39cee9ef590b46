package dir

import (
	"crypto/sha256"
	"strings"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// node is a directory of specs.
type node struct {
	parent *node  // nil: the root directory
	shown  string // path for messages
	real   string
	id     identity
	depth  int
	files  map[string]*file
	dirs   map[string]*node
	// err says why the directory cannot be read. The former content is kept, because its specs are
	// unknown, not gone.
	err *spec.Error
}

func newNode(parent *node, shown, real string) *node {
	n := &node{parent: parent, shown: shown, real: real, files: map[string]*file{}, dirs: map[string]*node{}}
	if parent != nil {
		n.depth = parent.depth + 1
	}
	return n
}

// fail records why the directory cannot be read, and reports whether that is new.
func (n *node) fail(e *spec.Error) bool {
	e.Pos.File = n.shown
	if equalError(n.err, e) {
		return false
	}
	n.err = e
	return true
}

// containsRoot says whether the root directory lies in this directory.
func (n *node) containsRoot() bool {
	root := n
	for root.parent != nil {
		root = root.parent
	}
	return n != root && (n.real == "/" || strings.HasPrefix(root.real, n.real+"/"))
}

// empty says whether nothing of the directory is known.
func (n *node) empty() bool { return len(n.files) == 0 && len(n.dirs) == 0 }

// clear forgets the content of the directory.
func (n *node) clear() {
	clear(n.files)
	clear(n.dirs)
}

// eachNode calls visit for n and each directory below it.
func (n *node) eachNode(visit func(*node)) {
	visit(n)
	for _, sub := range n.dirs {
		sub.eachNode(visit)
	}
}

// each calls visit for each file below n. For a directory that cannot be read, each calls lost and
// skips the files.
func (n *node) each(visit func(*file), lost func(*node)) {
	if n.err != nil {
		lost(n)
		return
	}
	for _, f := range n.files {
		visit(f)
	}
	for _, sub := range n.dirs {
		sub.each(visit, lost)
	}
}

// eachFile calls visit for each known file below n, even in unreadable directories.
func (n *node) eachFile(visit func(*file)) {
	for _, f := range n.files {
		visit(f)
	}
	for _, sub := range n.dirs {
		sub.eachFile(visit)
	}
}

// count returns the numbers of spec files and directories, including n.
func (n *node) count() (files, dirs int) {
	files, dirs = len(n.files), 1
	for _, sub := range n.dirs {
		f, d := sub.count()
		files, dirs = files+f, dirs+d
	}
	return files, dirs
}

// file is the last known content of a spec file.
type file struct {
	shown string
	stamp stamp
	racy  bool // the file may have changed without a new stamp
	place int  // position of its first claim among all claims, from 1; 0: none yet
	sum   [sha256.Size]byte
	err   *spec.Error // why the file could not be read; nil: the fields below are valid

	specs  []*spec.Spec
	errs   []*spec.Error
	broken bool
}

// healthy reports whether all documents of the file are valid.
func (f *file) healthy() bool { return f.err == nil && !f.broken && len(f.errs) == 0 }

// fail records why the file cannot be read, and reports whether that is new.
func (f *file) fail(e *spec.Error) bool {
	e.Pos.File = f.shown
	if equalError(f.err, e) {
		return false
	}
	f.err = e
	return true
}
