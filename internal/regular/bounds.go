package regular

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Bounds are the directories that a file must lie in. A nil *Bounds allows every place.
type Bounds struct {
	// Roots are absolute paths of directories. A root may be a link. Each use follows the links
	// anew, since a link may be swapped.
	Roots []string
	// Except are absolute paths of files and directories that are refused within the roots, too.
	Except []string
}

// OutsideError says a file lies outside all roots.
type OutsideError struct {
	Real  string   // the path of the file, without links
	Roots []string // as in [Bounds]
	// Excepted means the file lies within a root, but is one of [Bounds.Except].
	Excepted bool
}

// Error names the file and the roots.
func (e *OutsideError) Error() string {
	if e.Excepted {
		return e.Real + " is a file of the server itself"
	}
	return fmt.Sprintf("%s lies outside of %s", e.Real, strings.Join(e.Roots, " and "))
}

// attempts is how often a path is followed while its links are swapped.
const attempts = 5

// Open opens a regular file within the bounds, after all links. The error for any other place is an
// [OutsideError], whether or not there is a file.
//
// Nobody can lead Open out of the roots by a swap of links: the file is opened below the directory
// of the root, and the open refuses links that leave this directory.
func (b *Bounds) Open(path string) (*os.File, fs.FileInfo, error) {
	if b == nil {
		return Open(path)
	}
	var f *os.File
	var err error
	for range attempts {
		var root, rel string
		if root, rel, err = b.find(path); err != nil {
			return nil, nil, err
		}
		if f, err = openBelow(root, rel); err == nil || !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return checked(path, f, err)
}

// Read returns the content of a regular file of at most limit bytes within the bounds.
func (b *Bounds) Read(path string, limit int64) ([]byte, error) {
	f, _, err := b.Open(path)
	return readAll(path, f, limit, err)
}

// Check returns an [OutsideError] if a path leads out of the bounds. It opens nothing.
func (b *Bounds) Check(path string) error {
	if b == nil {
		return nil
	}
	_, _, err := b.find(path)
	return err
}

// find returns the root of a path, without links, and the path below the root.
func (b *Bounds) find(path string) (root, rel string, err error) {
	real := realPath(path)
	for _, one := range b.Except {
		if _, in := below(realPath(one), real); in {
			return "", "", &OutsideError{Real: real, Roots: b.Roots, Excepted: true}
		}
	}
	for _, one := range b.Roots {
		root := realPath(one)
		if rel, in := below(root, real); in {
			return root, rel, nil
		}
	}
	return "", "", &OutsideError{Real: real, Roots: slices.Clone(b.Roots)}
}

// below returns the path relative to a directory, if it lies in the directory or is the directory.
func below(dir, path string) (rel string, in bool) {
	rel, err := filepath.Rel(dir, path)
	return rel, err == nil && filepath.IsLocal(rel)
}

// realPath follows the links of a path, also if its last part does not exist. A part that
// this process may not look at stays as it is.
func realPath(path string) string {
	rest := ""
	for links := 0; ; {
		real, err := filepath.EvalSymlinks(path)
		if err == nil {
			return filepath.Join(real, rest)
		}
		parent := filepath.Dir(path)
		if parent == path {
			return filepath.Join(path, rest)
		}
		target, err := os.Readlink(path)
		if err != nil || links == maxLinks {
			rest, path = filepath.Join(filepath.Base(path), rest), parent
			continue
		}
		// The link leads to something that does not exist.
		links++
		if !filepath.IsAbs(target) {
			target = filepath.Join(realPath(parent), target)
		}
		path = target
	}
}

// maxLinks is the limit of Linux.
const maxLinks = 40

func openBelow(dir, rel string) (*os.File, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }() // nothing is written
	return root.OpenFile(rel, openFlags, 0)
}
