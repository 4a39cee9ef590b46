package dir

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"

	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// state is the source's knowledge of the directory. Only one goroutine uses the state.
type state struct {
	src     *Source
	abs     string
	watches *watches
	want    *interest

	counts counts

	tree *node // nil: never read
	good mount // location of the directory at the first read

	unavailable *spec.Error
	changed     bool   // the tree has changed since doc was made
	edits       []edit // changes of files that keep their names, in addition to changed
	doc         documents
	refs        references
}

// mount is a directory and the file system that it lies in.
type mount struct {
	real string
	dev  uint64
}

func newState(s *Source, abs string, w *watches) *state {
	return &state{src: s, abs: abs, watches: w, want: newInterest(0), changed: true, refs: newReferences(s.keys)}
}

// look updates the state and returns a set.
func (s *state) look(d dirty) source.Set {
	if s.unavailable != nil {
		d.all = true // changes during the unavailability are unknown
	}
	s.counts.looks++
	if d.lost {
		s.watches.drop(string(filepath.Separator))
	}
	for dir := range d.gone {
		s.watches.drop(dir)
	}
	p := s.newPass(s.want)
	if !d.all && !p.readEntries(d) {
		d.all = true // perhaps too many files: only a full look counts all of them
	}
	p.finish()
	if d.found != nil && s.differs(d.found, d) {
		d.all = true
	}
	if d.all {
		s.counts.all++
		s.watches.begin()
		p = s.newPass(newInterest(len(s.want.leaves)))
		s.unavailable = s.lookAll(p)
		p.finish()
		s.want = p.want
		defer func() { s.watches.retain(s.want.dirs) }()
	}
	if s.unavailable != nil {
		return source.Set{Unavailable: s.unavailable}
	}
	s.update()
	s.refs.look(p, d)
	return source.Set{
		Specs:       s.doc.specs,
		Errors:      s.doc.errs,
		BrokenFiles: s.doc.broken,
		References:  s.refs.seen,
		Differs:     s.refs.since,
		Degraded:    s.watches.degraded(),
	}
}

// finish adds the last decoded files to the tree.
func (p *pass) finish() {
	for _, d := range p.decoding.finish() {
		p.setDecoded(d)
	}
}

// update adapts the documents to the tree.
func (s *state) update() {
	before := s.doc.specs
	switch {
	case !s.changed && len(s.edits) == 0:
		return
	case s.changed || !s.doc.apply(s.edits):
		s.doc = gather(s.tree)
	}
	s.changed, s.edits = false, nil
	s.refs.count(before, s.doc.specs)
}

// lookAll looks at everything. It returns an error if the directory cannot be read.
func (s *state) lookAll(p *pass) *spec.Error {
	at := p.resolve(s.abs)
	p.trigger(at.real)
	switch {
	case missing(at.err):
		return s.missing(at)
	case at.err != nil:
		return s.unreadable(at.err)
	case !at.info.IsDir():
		return &spec.Error{
			Code:    CodeNotADirectory,
			Message: fmt.Sprintf("%s is not a directory", s.src.dir),
			Hint:    "name the directory that the specs lie in",
			Pos:     spec.Position{File: s.src.dir},
		}
	}
	// Another path means that a link has a new target, which is allowed.
	m := mount{at.real, identityOf(at.info).dev}
	if s.good.real == m.real && s.good.dev != m.dev {
		return &spec.Error{
			Code:    CodeRemounted,
			Message: fmt.Sprintf("another file system is mounted at %s", s.src.dir),
			Hint:    "mount the former one again, or restart wasm-xds if this is meant",
			Pos:     spec.Position{File: s.src.dir},
		}
	}
	if s.tree == nil || s.tree.real != at.real {
		s.tree, s.changed = newNode(nil, s.src.dir, at.real), true
	}
	switch err := p.readNode(s.tree, at.info); {
	case errors.Is(err, fs.ErrNotExist):
		return s.missing(at)
	case err != nil:
		return s.tooMany()
	case s.tree.err != nil:
		e := *s.tree.err
		e.Code = CodeDirectoryUnreadable
		return &e
	}
	s.good = m
	return nil
}

func (s *state) missing(at place) *spec.Error {
	e := &spec.Error{
		Code:    CodeDirectoryMissing,
		Message: fmt.Sprintf("the directory %s does not exist", s.src.dir),
		Hint:    "create it; it is read as soon as it is there",
		Pos:     spec.Position{File: s.src.dir},
	}
	switch {
	case errors.Is(at.err, syscall.ENOTDIR):
		e.Message = fmt.Sprintf("%s does not exist: %s is not a directory", s.src.dir, at.real)
	case at.real != s.abs:
		e.Message = fmt.Sprintf("the directory %s does not exist: there is no %s", s.src.dir, at.real)
	}
	return e
}

func (s *state) unreadable(err error) *spec.Error {
	return &spec.Error{
		Code:    CodeDirectoryUnreadable,
		Message: fmt.Sprintf("the directory %s cannot be read: %s", s.src.dir, reason(err)),
		Hint:    "make it readable for the user that wasm-xds runs as",
		Pos:     spec.Position{File: s.src.dir},
	}
}

func (s *state) tooMany() *spec.Error {
	return &spec.Error{
		Code: CodeTooMany,
		Message: fmt.Sprintf("%s holds more than %d spec files or %d directories",
			s.src.dir, s.src.limits.files, s.src.limits.dirs),
		Hint: "name a directory that holds specs only",
		Pos:  spec.Position{File: s.src.dir},
	}
}
