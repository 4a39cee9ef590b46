package token

import (
	"bytes"
	"errors"
	"io/fs"
	"sync/atomic"

	"github.com/wasm-xds/wasm-xds/internal/reason"
	"github.com/wasm-xds/wasm-xds/internal/regular"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// File is the tokens of a file. It is safe for concurrent use.
type File struct {
	path    string
	current atomic.Pointer[content]
}

// content is the content of a file at one time. It never changes.
type content struct {
	set    *Set
	sum    []byte // of the text
	public bool
}

// Open reads a file.
func Open(path string) (*File, error) {
	c, err := read(path)
	if err != nil {
		return nil, err
	}
	f := &File{path: path}
	f.current.Store(c)
	return f, nil
}

// Reload reads the file again, and reports whether it has changed. After an error, the former
// tokens stay.
func (f *File) Reload() (changed bool, err error) {
	c, err := read(f.path)
	if err != nil || bytes.Equal(c.sum, f.current.Load().sum) {
		return false, err
	}
	f.current.Store(c)
	return true, nil
}

// Path returns the path of the file.
func (f *File) Path() string { return f.path }

// Len returns the number of tokens.
func (f *File) Len() int { return len(f.current.Load().set.entries) }

// IsPublic reports whether every user of the machine could read the file when it was last read.
func (f *File) IsPublic() bool { return f.current.Load().public }

// Find returns the client of a token, see [Set.Find].
func (f *File) Find(token string) (Client, bool) { return f.current.Load().set.Find(token) }

func read(path string) (*content, error) {
	file, info, err := regular.Open(path)
	if err != nil {
		return nil, problemOf(path, err)
	}
	defer file.Close()
	text, err := regular.ReadAll(file, maxFile)
	if err != nil {
		return nil, problemOf(path, err)
	}
	set, err := Parse(path, text)
	if err != nil {
		return nil, err
	}
	return &content{set: set, sum: set.sum(), public: info.Mode().Perm()&0o004 != 0}, nil
}

// problemOf explains why a file cannot be read.
func problemOf(path string, err error) error {
	e := &spec.Error{
		Code: codeBadFile, Message: "the token cannot be read: " + reason.Of(err), Hint: "name a file of tokens with --admin-token-file",
		Pos: spec.Position{File: path},
	}
	if errors.Is(err, fs.ErrPermission) {
		e.Hint = "let this process's user read the file"
	}
	return e
}
