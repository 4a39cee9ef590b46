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

var (
	errTooMany = errors.New("too many files")
	errStopped = errors.New("the look is not wanted any more")
)

// reader reads directories of specs into a tree, in a look.
type reader struct {
	*resolver
	limits   limits
	bounds   *spec.Bounds
	decoding decoding
	changes  *changes // gets the changes of the tree

	files int // spec files seen
	dirs  int // directories of specs seen

	// found gets the differences from the tree if the look is a rescan, which reads no spec file
	// into the tree. nil: the look is no rescan.
	found *findings
}

// newReader returns a reader for a look. watch gets every directory before it is read; nil
// watches nothing.
func newReader(c *settings, want *interest, watch func(dir string, id identity), to *changes) *reader {
	return &reader{
		resolver: newResolver(c.disk, want, watch),
		limits:   c.limits,
		bounds:   c.bounds,
		decoding: decoding{decode: c.decode},
		changes:  to,
	}
}

// readNode reads a directory and everything below. Only two kinds of error are returned: the look
// as a whole must stop, or the directory no longer exists.
func (r *reader) readNode(n *node, info fs.FileInfo) error {
	r.dirs++
	if r.dirs > r.limits.dirs {
		return errTooMany
	}
	id := identityOf(info)
	r.want.addTree(n)
	if n.parent != nil && n.id.dev != 0 && id.dev != n.id.dev {
		r.fail(n, &spec.Error{
			Code:    CodeRemounted,
			Message: "another file system is mounted in place of the directory",
			Hint:    "mount the former one again, or restart wasm-xds if this is meant",
		})
		return nil
	}
	n.id = id
	r.dependOnDir(n.real)
	entries, err := r.disk.readDir(n.real)
	if missing(err) {
		return fs.ErrNotExist
	}
	if err != nil {
		r.fail(n, &spec.Error{
			Code:    CodeUnreadable,
			Message: "cannot read the directory: " + reason(err),
			Hint:    "make it readable for the user that wasm-xds runs as, or move it elsewhere",
		})
		return nil
	}
	if n.err != nil {
		n.err = nil
		r.changes.any = true
	}
	present := make(map[string]struct{}, len(entries))
	for _, e := range entries {
		present[e.Name()] = struct{}{}
		if skipped(e.Name()) || (e.Type().IsRegular() && !isSpecName(e.Name())) {
			continue
		}
		if err := r.readEntry(n, e.Name()); err != nil {
			return err
		}
	}
	r.dropMissing(n, present)
	return nil
}

// readEntries looks at the names of events in the tree below root, and reports whether the limits
// are respected.
func (r *reader) readEntries(root *node, d dirty) bool {
	r.files, r.dirs = root.count()
	for e := range d.entries {
		if r.readEntry(e.node, e.name) != nil {
			return false
		}
	}
	return true
}

// fail records why a directory cannot be read.
func (r *reader) fail(n *node, e *spec.Error) {
	if n.fail(e) {
		r.changes.any = true
	}
}

// dropMissing drops everything that no longer exists.
func (r *reader) dropMissing(n *node, present map[string]struct{}) {
	for name := range n.files {
		if _, ok := present[name]; !ok {
			r.dropFile(n, name)
		}
	}
	for name := range n.dirs {
		if _, ok := present[name]; !ok {
			r.dropDir(n, name)
		}
	}
}

// readEntry looks at one name in a directory.
func (r *reader) readEntry(n *node, name string) error {
	if r.found != nil && !r.found.goesOn() {
		return errStopped
	}
	path := below(n.real, name)
	at := place{real: path}
	l := r.lookup(path)
	at.info, at.err = l.info, l.err
	if l.link != "" {
		if !isSpecName(name) {
			// Links to modules and the like need no watching.
			if !r.disk.isDir(path) {
				r.dropEntry(n, name)
				return nil
			}
		}
		at = r.walk(n.real, name)
		r.want.addTrigger(at.real)
	}
	switch {
	case missing(at.err) && l.link == "":
		r.dropEntry(n, name)
	case at.err != nil:
		r.readUnknown(n, name, l.link, at.err)
	case at.info.IsDir():
		r.dropFile(n, name)
		return r.readSub(n, name, at)
	case isSpecName(name):
		r.dropDir(n, name)
		if l.link != "" {
			if e := outside(r.resolver, r.bounds, at.real); e != nil {
				r.setUnreadable(r.file(n, name), e)
				return nil
			}
		}
		return r.readFile(n, name, at)
	default:
		r.dropEntry(n, name)
	}
	return nil
}

func (r *reader) dropEntry(n *node, name string) {
	r.dropFile(n, name)
	r.dropDir(n, name)
}

func (r *reader) dropFile(n *node, name string) {
	f, ok := n.files[name]
	if !ok {
		return
	}
	delete(n.files, name)
	if r.found != nil {
		r.found.gone(seenFile{n.real, name, f})
		return
	}
	r.changes.any = true
}

func (r *reader) dropDir(n *node, name string) {
	if _, ok := n.dirs[name]; ok {
		delete(n.dirs, name)
		r.changes.any = true
	}
}

// readUnknown handles a name of unknown type.
func (r *reader) readUnknown(n *node, name, link string, err error) {
	switch {
	case n.dirs[name] != nil:
		r.fail(n.dirs[name], unreadable(err, link))
	case isSpecName(name):
		f := r.file(n, name)
		r.setUnreadable(f, unreadable(err, link))
	}
}

// readSub reads a sub-directory.
func (r *reader) readSub(n *node, name string, at place) error {
	if id := identityOf(at.info); id != (identity{}) {
		for up := n; up != nil; up = up.parent {
			if up.id == id {
				r.dropDir(n, name) // a link back to a parent directory
				return nil
			}
		}
	}
	sub := n.dirs[name]
	if sub == nil || sub.real != at.real {
		sub = newNode(n, filepath.Join(n.shown, name), at.real)
		n.dirs[name] = sub
		r.changes.any = true
	}
	if sub.containsRoot() {
		r.fail(sub, &spec.Error{
			Code:    CodeContainsItself,
			Message: fmt.Sprintf("the link leads to %s, which contains the directory of specs itself, and is not read", at.real),
			Hint:    "link to a directory that holds specs only",
		})
		return nil
	}
	isNew, isLink := sub.empty(), at.real != below(n.real, name)
	if isLink {
		if e := outside(r.resolver, r.bounds, at.real); e != nil {
			r.fail(sub, e)
			return nil
		}
	}
	if sub.depth > r.limits.depth {
		r.fail(sub, &spec.Error{
			Code:    CodeTooDeep,
			Message: fmt.Sprintf("the directory lies more than %d levels deep and is not read", r.limits.depth),
			Hint:    "move its specs further up",
		})
		return nil
	}
	files, dirs := r.files, r.dirs
	err := r.readNode(sub, at.info)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.dropDir(n, name)
		return nil
	case errors.Is(err, errTooMany) && isNew && isLink:
		// The link fails alone. A link that had specs already makes the whole look fail, which
		// keeps these specs.
		r.files, r.dirs = files, dirs
		sub.clear()
		r.fail(sub, &spec.Error{
			Code:    CodeTooMany,
			Message: fmt.Sprintf("the link leads to %s, with which there would be more than %d spec files or %d directories", at.real, r.limits.files, r.limits.dirs),
			Hint:    "link to a directory that holds specs only",
		})
		return nil
	default:
		return err
	}
}

func (r *reader) file(n *node, name string) *file {
	f := n.files[name]
	if f == nil {
		f = &file{shown: filepath.Join(n.shown, name)}
		n.files[name] = f
		r.changes.any = true
	}
	return f
}

// readFile reads a spec file if the file may have changed.
func (r *reader) readFile(n *node, name string, at place) error {
	r.files++
	if r.files > r.limits.files {
		return errTooMany
	}
	f := n.files[name]
	st := stampOf(at.info)
	if r.found != nil {
		r.found.compare(seenFile{n.real, name, f}, st, func() bool { return r.hasText(f, at) })
		return nil
	}
	if f != nil && f.err == nil && f.stamp == st && !f.racy {
		return nil
	}
	now := time.Now()
	var text []byte
	err := errNotRegular
	if at.info.Mode().IsRegular() { // opening a device may have side effects
		text, err = r.disk.readFile(at.real, r.limits.fileSize)
	}
	if missing(err) {
		r.dropFile(n, name)
		return nil
	}
	f = r.file(n, name)
	f.stamp, f.racy = st, st.racy(now)
	switch {
	case errors.Is(err, errTooLarge):
		r.setUnreadable(f, &spec.Error{
			Code:    spec.CodeTooLarge,
			Message: fmt.Sprintf("the file is larger than %d bytes and is not read", r.limits.fileSize),
			Hint:    "split it into several files",
		})
	case err != nil:
		r.setUnreadable(f, unreadable(err, ""))
	case len(bytes.TrimSpace(text)) == 0:
		// An editor may truncate the file before writing. That moment must not count as a removal.
		r.setUnreadable(f, &spec.Error{
			Code:    CodeEmptyFile,
			Message: "the file is empty",
			Hint:    "delete it to remove its filters",
		})
	default:
		r.setText(f, text)
	}
	return nil
}

// setText decodes a file's text, unless the text is the last decoded text.
func (r *reader) setText(f *file, text []byte) {
	sum := sha256.Sum256(text)
	if f.err == nil && f.sum == sum {
		return
	}
	r.decoding.add(&decoded{file: f, sum: sum}, text)
}

// setDecoded applies a decoded file.
func (r *reader) setDecoded(d *decoded) {
	f := d.file
	before := *f
	f.sum, f.err = d.sum, nil
	if before.err == nil && d.broken == f.broken && reflect.DeepEqual(d.specs, f.specs) && reflect.DeepEqual(d.errs, f.errs) {
		return // equal pointers make the comparison of sets fast
	}
	f.specs, f.errs, f.broken = d.specs, d.errs, d.broken
	if f.healthy() && before.healthy() && slices.EqualFunc(d.specs, before.specs, sameName) {
		r.changes.edits = append(r.changes.edits, edit{before: before.specs, now: d.specs})
		return
	}
	r.changes.any = true
}

func sameName(a, b *spec.Spec) bool { return a.Name == b.Name }

// hasText reports whether a file still has the text of the last read.
func (r *reader) hasText(f *file, at place) bool {
	text, err := r.disk.readFile(at.real, r.limits.fileSize)
	return err == nil && sha256.Sum256(text) == f.sum
}

// finish adds the last decoded files to the tree.
func (r *reader) finish() {
	for _, d := range r.decoding.finish() {
		r.setDecoded(d)
	}
}

func (r *reader) setUnreadable(f *file, e *spec.Error) {
	if f.fail(e) {
		r.changes.any = true
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
