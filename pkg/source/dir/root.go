package dir

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// root is the directory of the specs, with everything below.
type root struct {
	shown string // the path for messages, as the user gave it
	abs   string
	tree  *node // nil: never read
	good  mount // location of the directory at the first read
}

// mount is a directory and the file system that it lies in.
type mount struct {
	real string
	dev  uint64
}

// read reads everything. It returns an error if the directory of the specs cannot be read.
func (r *root) read(by *reader) *spec.Error {
	at := by.resolve(r.abs)
	by.want.addTrigger(at.real)
	switch {
	case missing(at.err):
		return r.missing(at)
	case at.err != nil:
		return r.unreadable(at.err)
	case !at.info.IsDir():
		return &spec.Error{
			Code:    CodeNotADirectory,
			Message: fmt.Sprintf("%s is not a directory", r.shown),
			Hint:    "name the directory that the specs lie in",
			Pos:     spec.Position{File: r.shown},
		}
	}
	// Another path means a link has a new target, which is allowed.
	m := mount{at.real, identityOf(at.info).dev}
	if r.good.real == m.real && r.good.dev != m.dev {
		return &spec.Error{
			Code:    CodeRemounted,
			Message: fmt.Sprintf("another file system is mounted at %s", r.shown),
			Hint:    "mount the former one again, or restart wasm-xds if this is meant",
			Pos:     spec.Position{File: r.shown},
		}
	}
	if r.tree == nil || r.tree.real != at.real {
		r.tree, by.changes.any = newNode(nil, r.shown, at.real), true
	}
	switch err := by.readNode(r.tree, at.info); {
	case errors.Is(err, fs.ErrNotExist):
		return r.missing(at)
	case err != nil:
		return r.tooMany(by.limits)
	case r.tree.err != nil:
		e := *r.tree.err
		e.Code = CodeDirectoryUnreadable
		return &e
	}
	r.good = m
	return nil
}

func (r *root) missing(at place) *spec.Error {
	e := &spec.Error{
		Code:    CodeDirectoryMissing,
		Message: fmt.Sprintf("the directory %s does not exist", r.shown),
		Hint:    "create it; it is read as soon as it is there",
		Pos:     spec.Position{File: r.shown},
	}
	switch {
	case errors.Is(at.err, syscall.ENOTDIR):
		e.Message = fmt.Sprintf("%s does not exist: %s is not a directory", r.shown, at.real)
	case at.real != r.abs:
		e.Message = fmt.Sprintf("the directory %s does not exist: there is no %s", r.shown, at.real)
	}
	return e
}

func (r *root) unreadable(err error) *spec.Error {
	return &spec.Error{
		Code:    CodeDirectoryUnreadable,
		Message: fmt.Sprintf("the directory %s cannot be read: %s", r.shown, reason(err)),
		Hint:    "make it readable for the user that wasm-xds runs as",
		Pos:     spec.Position{File: r.shown},
	}
}

func (r *root) tooMany(l limits) *spec.Error {
	return &spec.Error{
		Code: CodeTooMany,
		Message: fmt.Sprintf("%s holds more than %d spec files or %d directories",
			r.shown, l.files, l.dirs),
		Hint: "name a directory that holds specs only",
		Pos:  spec.Position{File: r.shown},
	}
}
