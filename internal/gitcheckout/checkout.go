package gitcheckout

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/regular"
)

const (
	mostParents = 64      // directories above a file that may be the checkout
	mostFile    = 8 << 20 // bytes of a file that is compared with its commit
)

// Commit is the commit that a checkout has at one moment.
type Commit struct {
	ID   string // in hex
	File string // the path within the checkout, with slashes
	// Dirty reports that the file differs from the commit, or is not part of it.
	Dirty bool
}

// Reader finds commits. It keeps what it has read, so a caller makes a new one for each look at a
// directory. The zero value is ready to use. A Reader belongs to one goroutine.
type Reader struct {
	repositories map[string]*repository // by the directory of the checkout
	heads        map[string]id
}

// Commit returns the commit of the checkout with a file. ok is false if the file is in no checkout,
// or if the repository cannot be read: objects that lie in another repository (alternates) and
// submodules are not followed.
func (r *Reader) Commit(file string) (c Commit, ok bool) {
	real, err := filepath.EvalSymlinks(file)
	if err != nil {
		return Commit{}, false
	}
	info, err := os.Stat(real)
	if err != nil {
		return Commit{}, false
	}
	top, repo := r.find(real)
	if repo == nil || !trusted(repo.owner, info) {
		return Commit{}, false
	}
	head, known := r.heads[top]
	if !known {
		if head, err = repo.head(); err != nil {
			return Commit{}, false
		}
		r.heads[top] = head
	}
	rel, err := filepath.Rel(top, real)
	if err != nil {
		return Commit{}, false
	}
	c = Commit{ID: head.String(), File: filepath.ToSlash(rel)}
	want, found, err := repo.blob(head, c.File)
	if err != nil {
		return Commit{}, false
	}
	content, err := regular.Read(real, mostFile)
	if err != nil {
		return Commit{}, false
	}
	c.Dirty = !found || !same(content, want)
	return c, true
}

// same compares a file with its blob. Git may have written the file with other ends of lines.
func same(content []byte, want id) bool {
	return blobID(content, len(want)) == want ||
		blobID(bytes.ReplaceAll(content, []byte("\r\n"), []byte("\n")), len(want)) == want
}

// find returns the checkout with a file, and its repository; nil: there is none.
func (r *Reader) find(file string) (top string, repo *repository) {
	if r.repositories == nil {
		r.repositories, r.heads = map[string]*repository{}, map[string]id{}
	}
	top = filepath.Dir(file)
	for range mostParents {
		repo, known := r.repositories[top]
		if !known {
			repo = open(top)
			r.repositories[top] = repo
		}
		parent := filepath.Dir(top)
		if repo != nil || parent == top {
			return top, repo
		}
		top = parent
	}
	return top, nil
}

// open returns the repository of a directory; nil: it is no checkout.
func open(top string) *repository {
	git := filepath.Join(top, ".git")
	info, err := os.Lstat(git)
	switch {
	case err != nil:
		return nil
	case info.IsDir():
		return &repository{git: git, common: git, owner: ownerOf(info), known: map[id]object{}}
	case info.Mode().IsRegular():
		return worktree(top)
	default:
		return nil
	}
}

// worktree returns the repository of a linked worktree, as git-sync makes them. Its directory lies
// elsewhere, so the repository must name the worktree in turn: nobody can lead the reader to files
// of a directory that is no repository with this worktree.
func worktree(top string) *repository {
	text, err := read(top, ".git", mostRef)
	path, is := strings.CutPrefix(strings.TrimSpace(string(text)), "gitdir: ")
	if err != nil || !is {
		return nil
	}
	git := resolve(top, path)
	common := filepath.Dir(filepath.Dir(git))
	back, err := read(common, "worktrees/"+filepath.Base(git)+"/gitdir", mostRef)
	if err != nil || filepath.Base(filepath.Dir(git)) != "worktrees" {
		return nil
	}
	there, err := filepath.EvalSymlinks(resolve(git, strings.TrimSpace(string(back))))
	info, err2 := os.Lstat(common)
	if err != nil || err2 != nil || there != filepath.Join(top, ".git") {
		return nil
	}
	return &repository{git: git, common: common, owner: ownerOf(info), known: map[id]object{}}
}

func resolve(dir, path string) string {
	path = filepath.FromSlash(path)
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}
