package dir

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"reflect"
	"slices"
	"time"

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

var (
	errTooMany = errors.New("too many files")
	errStopped = errors.New("the look is not wanted any more")
)

func newNode(parent *node, shown, real string) *node {
	n := &node{parent: parent, shown: shown, real: real, files: map[string]*file{}, dirs: map[string]*node{}}
	if parent != nil {
		n.depth = parent.depth + 1
	}
	return n
}

// readNode reads a directory and everything below. Only two kinds of error are returned: the look
// as a whole must stop, or the directory no longer exists.
func (p *pass) readNode(n *node, info fs.FileInfo) error {
	p.dirs++
	if p.dirs > p.s.src.limits.dirs {
		return errTooMany
	}
	id := identityOf(info)
	p.want.addTree(n)
	if n.parent != nil && n.id.dev != 0 && id.dev != n.id.dev {
		p.fail(n, &spec.Error{
			Code:    CodeRemounted,
			Message: "another file system is mounted in place of the directory",
			Hint:    "mount the former one again, or restart wasm-xds if this is meant",
		})
		return nil
	}
	n.id = id
	p.watch(n.real)
	entries, err := p.s.src.disk.readDir(n.real)
	if missing(err) {
		return fs.ErrNotExist
	}
	if err != nil {
		p.fail(n, &spec.Error{
			Code:    CodeUnreadable,
			Message: "cannot read the directory: " + reason(err),
			Hint:    "make it readable for the user that wasm-xds runs as, or move it elsewhere",
		})
		return nil
	}
	if n.err != nil {
		n.err = nil
		p.s.changed = true
	}
	present := make(map[string]struct{}, len(entries))
	for _, e := range entries {
		present[e.Name()] = struct{}{}
		if skipped(e.Name()) || (e.Type().IsRegular() && !isSpecName(e.Name())) {
			continue
		}
		if err := p.readEntry(n, e.Name()); err != nil {
			return err
		}
	}
	p.forget(n, present)
	return nil
}

// readEntries looks at the names of events, and reports whether the limits are respected.
func (p *pass) readEntries(d dirty) bool {
	p.files, p.dirs = p.s.tree.count()
	for e := range d.entries {
		if p.readEntry(e.node, e.name) != nil {
			return false
		}
	}
	return true
}

// fail records why a directory cannot be read.
func (p *pass) fail(n *node, e *spec.Error) {
	e.Pos.File = n.shown
	if !equalError(n.err, e) {
		n.err = e
		p.s.changed = true
	}
}

// forget drops everything that no longer exists.
func (p *pass) forget(n *node, present map[string]struct{}) {
	for name := range n.files {
		if _, ok := present[name]; !ok {
			p.forgetFile(n, name)
		}
	}
	for name := range n.dirs {
		if _, ok := present[name]; !ok {
			p.forgetDir(n, name)
		}
	}
}

// readEntry looks at one name in a directory.
func (p *pass) readEntry(n *node, name string) error {
	if p.rescan != nil && !p.rescan.goesOn() {
		return errStopped
	}
	path := below(n.real, name)
	at := place{real: path}
	l := p.lookup(path)
	at.info, at.err = l.info, l.err
	if l.link != "" {
		if !isSpecName(name) {
			// Links to modules and the like need no watching.
			info, err := p.s.src.disk.stat(path)
			if isDir := err == nil && info.IsDir(); !isDir {
				p.forgetEntry(n, name)
				return nil
			}
		}
		at = p.walk(n.real, name)
		p.trigger(at.real)
	}
	switch {
	case missing(at.err) && l.link == "":
		p.forgetEntry(n, name)
	case at.err != nil:
		p.readUnknown(n, name, l.link, at.err)
	case at.info.IsDir():
		p.forgetFile(n, name)
		return p.readSub(n, name, at)
	case isSpecName(name):
		p.forgetDir(n, name)
		return p.readFile(n, name, at)
	default:
		p.forgetEntry(n, name)
	}
	return nil
}

func (p *pass) forgetEntry(n *node, name string) {
	p.forgetFile(n, name)
	p.forgetDir(n, name)
}

func (p *pass) forgetFile(n *node, name string) {
	f, ok := n.files[name]
	if !ok {
		return
	}
	delete(n.files, name)
	if p.rescan != nil {
		p.rescan.files = append(p.rescan.files, seenFile{n.real, name, f})
		return
	}
	p.s.changed = true
}

func (p *pass) forgetDir(n *node, name string) {
	if _, ok := n.dirs[name]; ok {
		delete(n.dirs, name)
		p.s.changed = true
	}
}

// readUnknown handles a name of unknown type.
func (p *pass) readUnknown(n *node, name, link string, err error) {
	switch {
	case n.dirs[name] != nil:
		p.fail(n.dirs[name], unreadable(err, link))
	case isSpecName(name):
		f := p.file(n, name)
		p.setUnreadable(f, unreadable(err, link))
	}
}

// readSub reads a sub-directory.
func (p *pass) readSub(n *node, name string, at place) error {
	if id := identityOf(at.info); id != (identity{}) {
		for up := n; up != nil; up = up.parent {
			if up.id == id {
				p.forgetDir(n, name) // a link back to a parent directory
				return nil
			}
		}
	}
	sub := n.dirs[name]
	if sub == nil || sub.real != at.real {
		sub = newNode(n, filepath.Join(n.shown, name), at.real)
		n.dirs[name] = sub
		p.s.changed = true
	}
	if sub.depth > p.s.src.limits.depth {
		p.fail(sub, &spec.Error{
			Code:    CodeTooDeep,
			Message: fmt.Sprintf("the directory lies more than %d levels deep and is not read", p.s.src.limits.depth),
			Hint:    "move its specs further up",
		})
		return nil
	}
	err := p.readNode(sub, at.info)
	if errors.Is(err, fs.ErrNotExist) {
		p.forgetDir(n, name)
		return nil
	}
	return err
}

func (p *pass) file(n *node, name string) *file {
	f := n.files[name]
	if f == nil {
		f = &file{shown: filepath.Join(n.shown, name)}
		n.files[name] = f
		p.s.changed = true
	}
	return f
}

// readFile reads a spec file if the file may have changed.
func (p *pass) readFile(n *node, name string, at place) error {
	p.files++
	if p.files > p.s.src.limits.files {
		return errTooMany
	}
	f := n.files[name]
	if p.rescan != nil {
		p.seeFile(seenFile{n.real, name, f}, at)
		return nil
	}
	st := stampOf(at.info)
	if f != nil && f.err == nil && f.stamp == st && !f.racy {
		return nil
	}
	now := time.Now()
	var text []byte
	err := errNotRegular
	if at.info.Mode().IsRegular() { // opening a device may have side effects
		text, err = p.s.src.disk.readFile(at.real, p.s.src.limits.fileSize)
	}
	if missing(err) {
		p.forgetFile(n, name)
		return nil
	}
	f = p.file(n, name)
	f.stamp, f.racy = st, st.racy(now)
	switch {
	case errors.Is(err, errTooLarge):
		p.setUnreadable(f, &spec.Error{
			Code:    spec.CodeTooLarge,
			Message: fmt.Sprintf("the file is larger than %d bytes and is not read", p.s.src.limits.fileSize),
			Hint:    "split it into several files",
		})
	case err != nil:
		p.setUnreadable(f, unreadable(err, ""))
	case len(bytes.TrimSpace(text)) == 0:
		// An editor may truncate the file before writing. That moment must not count as a removal.
		p.setUnreadable(f, &spec.Error{
			Code:    CodeEmptyFile,
			Message: "the file is empty",
			Hint:    "delete it to remove its filters",
		})
	default:
		p.setText(f, text)
	}
	return nil
}

// setText decodes a file's text, unless the text is the last decoded text.
func (p *pass) setText(f *file, text []byte) {
	sum := sha256.Sum256(text)
	if f.err == nil && f.sum == sum {
		return
	}
	p.decoding.add(&decoded{file: f, sum: sum}, text, p.s.src.decode)
}

// setDecoded applies a decoded file.
func (p *pass) setDecoded(d *decoded) {
	f := d.file
	before := *f
	f.sum, f.err = d.sum, nil
	if before.err == nil && d.broken == f.broken && reflect.DeepEqual(d.specs, f.specs) && reflect.DeepEqual(d.errs, f.errs) {
		return // equal pointers make the comparison of sets fast
	}
	f.specs, f.errs, f.broken = d.specs, d.errs, d.broken
	if f.healthy() && before.healthy() && slices.EqualFunc(d.specs, before.specs, sameName) {
		p.s.edits = append(p.s.edits, edit{before: before.specs, now: d.specs})
		return
	}
	p.s.changed = true
}

// healthy reports whether all documents of the file are valid.
func (f *file) healthy() bool { return f.err == nil && !f.broken && len(f.errs) == 0 }

func sameName(a, b *spec.Spec) bool { return a.Name == b.Name }

func (p *pass) setUnreadable(f *file, e *spec.Error) {
	e.Pos.File = f.shown
	if !equalError(f.err, e) {
		f.err = e
		p.s.changed = true
	}
}

func unreadable(err error, link string) *spec.Error {
	e := &spec.Error{
		Code:    CodeUnreadable,
		Message: "cannot be read: " + reason(err),
		Hint:    "make it readable for the user that wasm-xds runs as",
	}
	if link != "" && missing(err) {
		e.Message = fmt.Sprintf("the symbolic link leads to %q, and there is nothing", link)
		e.Hint = "restore what it leads to, or delete the link"
	}
	return e
}
