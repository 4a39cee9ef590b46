package gitcheckout

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/regular"
)

// The bounds of a repository's files.
const (
	mostRef    = 1 << 10  // bytes of a file with a branch
	mostPacked = 32 << 20 // bytes of packed-refs
	mostPacks  = 1000
	mostLinks  = 5 // names of branches that lead to each other
)

var errNoCommit = errors.New("there is no commit")

// repository reads a repository on the disk.
type repository struct {
	git    string // the directory of this checkout: .git, or that of a linked worktree
	common string // the directory of the objects and branches
	owner  int    // the user of common; -1: not known
	known  map[id]object
}

// read reads a small file below one of the directories.
func read(dir, name string, most int64) ([]byte, error) {
	return (&regular.Bounds{Roots: []string{dir}}).Read(filepath.Join(dir, filepath.FromSlash(name)), most)
}

// head returns the commit that is checked out.
func (r *repository) head() (id, error) {
	text, err := read(r.git, "HEAD", mostRef)
	for range mostLinks {
		if err != nil {
			return "", err
		}
		name, is := strings.CutPrefix(strings.TrimSpace(string(text)), "ref: ")
		if !is {
			if commit, ok := parseID(strings.TrimSpace(string(text))); ok {
				return commit, nil
			}
			return "", errNoCommit
		}
		if !strings.HasPrefix(name, "refs/") || !filepath.IsLocal(filepath.FromSlash(name)) {
			return "", errNoCommit
		}
		if text, err = read(r.common, name, mostRef); errors.Is(err, fs.ErrNotExist) {
			return r.packedRef(name)
		}
	}
	return "", errNoCommit
}

// packedRef returns the commit of a branch in the file of all packed branches.
func (r *repository) packedRef(name string) (id, error) {
	text, err := read(r.common, "packed-refs", mostPacked)
	if err != nil {
		return "", err
	}
	for line := range bytes.Lines(text) {
		hex, of, _ := strings.Cut(strings.TrimSpace(string(line)), " ")
		if commit, ok := parseID(hex); ok && of == name {
			return commit, nil
		}
	}
	return "", errNoCommit
}

// object returns an object, and keeps it.
func (r *repository) object(of id) (object, error) {
	if o, known := r.known[of]; known {
		return o, nil
	}
	o, err := r.loose(of)
	if errors.Is(err, fs.ErrNotExist) {
		o, err = r.packed(of)
	}
	if err == nil {
		r.known[of] = o
	}
	return o, err
}

// loose reads an object in a file of its own.
func (r *repository) loose(of id) (object, error) {
	name := of.String()
	f, _, err := r.open(filepath.Join("objects", name[:2], name[2:]))
	if err != nil {
		return object{}, err
	}
	defer func() { _ = f.Close() }() // nothing is written
	z, err := zlib.NewReader(f)
	if err != nil {
		return object{}, err
	}
	in := bufio.NewReader(z)
	header, err := in.ReadString(0)
	if err != nil {
		return object{}, err
	}
	word, _, _ := strings.Cut(header, " ")
	data, err := regular.ReadAll(in, mostObject)
	return object{kinds[word], data}, err
}

func (r *repository) open(name string) (*os.File, fs.FileInfo, error) {
	return (&regular.Bounds{Roots: []string{r.common}}).Open(filepath.Join(r.common, name))
}

// packed reads an object of a pack.
func (r *repository) packed(of id) (object, error) {
	root, err := os.OpenRoot(r.common)
	if err != nil {
		return object{}, err
	}
	defer func() { _ = root.Close() }() // nothing is written
	dir, err := root.Open("objects/pack")
	if err != nil {
		return object{}, err
	}
	defer func() { _ = dir.Close() }() // nothing is written
	names, err := dir.Readdirnames(3 * mostPacks)
	if err != nil && !errors.Is(err, io.EOF) {
		return object{}, err
	}
	for _, name := range names {
		base, is := strings.CutSuffix(name, ".idx")
		if !is {
			continue
		}
		o, found, err := r.inPack(filepath.Join("objects/pack", base), of)
		if found || err != nil {
			return o, err
		}
	}
	return object{}, fmt.Errorf("object %s: %w", of, fs.ErrNotExist)
}

// inPack reads an object of one pack; false: the pack does not have it.
func (r *repository) inPack(path string, of id) (o object, found bool, err error) {
	f, _, err := r.open(path + ".idx")
	if err != nil {
		return o, false, err
	}
	defer func() { _ = f.Close() }() // nothing is written
	x, err := newIndex(f, len(of))
	if err != nil {
		return o, false, err
	}
	offset, found, err := x.find(of)
	if !found || err != nil {
		return o, false, err
	}
	content, _, err := r.open(path + ".pack")
	if err != nil {
		return o, false, err
	}
	defer func() { _ = content.Close() }() // nothing is written
	o, err = pack{content, len(of), r.object}.object(offset)
	return o, err == nil, err
}

// blob returns the id of a file in a commit; false: the commit does not have the file.
func (r *repository) blob(commit id, path string) (id, bool, error) {
	o, err := r.object(commit)
	if err != nil {
		return "", false, err
	}
	at, err := treeOf(o)
	if err != nil {
		return "", false, err
	}
	for part := range strings.SplitSeq(path, "/") {
		tree, err := r.object(at)
		if err != nil {
			return "", false, err
		}
		var found bool
		if at, found = entryOf(tree, part, len(commit)); !found {
			return "", false, nil
		}
	}
	return at, true, nil
}
