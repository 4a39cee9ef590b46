package dir

import (
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
)

// resolver follows paths to their files. It asks the file system about each directory and link only
// once, so a resolver serves only one look. It watches each directory before the directory is read,
// so no change is missed.
type resolver struct {
	disk    disk
	want    *interest                     // gets the dependencies of everything that is resolved
	watch   func(dir string, id identity) // nil: nothing is watched
	seen    map[string]lookup
	parents map[string]place // of the followed paths
	watched map[string]struct{}
}

func newResolver(d disk, want *interest, watch func(dir string, id identity)) *resolver {
	return &resolver{
		disk: d, want: want, watch: watch,
		seen: map[string]lookup{}, parents: map[string]place{}, watched: map[string]struct{}{},
	}
}

// lookup is the file at a path. link is the target of a symbolic link.
type lookup struct {
	info fs.FileInfo
	link string
	err  error
}

func (r *resolver) lookup(path string) lookup {
	if l, ok := r.seen[path]; ok {
		return l
	}
	var l lookup
	l.info, l.err = r.disk.lstat(path)
	if l.err == nil && l.info.Mode()&fs.ModeSymlink != 0 {
		l.link, l.err = r.disk.readlink(path)
	}
	if l.err != nil || l.link != "" || l.info.IsDir() {
		r.seen[path] = l
	}
	return l
}

// dependOnDir adds a real directory to the watched directories.
func (r *resolver) dependOnDir(dir string) {
	if _, ok := r.watched[dir]; ok {
		return
	}
	r.watched[dir] = struct{}{}
	l := r.lookup(dir)
	id := identityOf(l.info)
	r.want.addDir(dir, id)
	if l.err == nil && r.watch != nil {
		r.watch(dir, id)
	}
}

// place is the result of following a path: the real path and its file. With an error, real is the
// path of the error.
type place struct {
	real string
	info fs.FileInfo
	err  error
}

const maxLinks = 40 // the limit of Linux

// resolve follows an absolute path. It caches parents, because many paths are in the same
// directories.
func (r *resolver) resolve(path string) place {
	parent, name := filepath.Split(path)
	if root, rest := splitRoot(parent); rest == "" {
		return r.walk(root, name)
	}
	at, known := r.parents[parent]
	if !known {
		at = r.walk(splitRoot(parent))
		r.parents[parent] = at
		r.want.addTrigger(at.real)
	}
	if at.err == nil && !at.info.IsDir() {
		at.err = notADirectory(at.real)
	}
	if at.err != nil {
		return place{real: at.real, err: at.err}
	}
	return r.walk(at.real, name)
}

// walk follows a relative path from a real directory. It watches all directories on the path, and
// makes all names triggers, except for a last name that is no link.
func (r *resolver) walk(dir, rest string) place {
	todo := components(rest)
	links := 0
	for len(todo) > 0 {
		name := todo[0]
		todo = todo[1:]
		if name == ".." {
			dir = filepath.Dir(dir)
			continue
		}
		r.dependOnDir(dir)
		path := below(dir, name)
		l := r.lookup(path)
		switch {
		case l.link != "":
			r.want.addTrigger(path)
			if links++; links > maxLinks {
				return place{real: path, err: &fs.PathError{Op: "resolve", Path: path, Err: syscall.ELOOP}}
			}
			rest := l.link
			if filepath.IsAbs(rest) {
				dir, rest = splitRoot(rest)
			}
			todo = append(components(rest), todo...)
			continue
		case len(todo) == 0:
			return place{real: path, info: l.info, err: l.err}
		}
		r.want.addTrigger(path)
		if l.err != nil {
			return place{real: path, err: l.err}
		}
		if !l.info.IsDir() {
			return place{real: path, err: notADirectory(path)}
		}
		dir = path
	}
	l := r.lookup(dir)
	return place{real: dir, info: l.info, err: l.err}
}

func notADirectory(path string) error {
	return &fs.PathError{Op: "resolve", Path: path, Err: syscall.ENOTDIR}
}

// below joins a clean directory path and a name.
func below(dir, name string) string {
	if dir[len(dir)-1] == filepath.Separator {
		return dir + name
	}
	return dir + string(filepath.Separator) + name
}

func splitRoot(path string) (root, rest string) {
	volume := filepath.VolumeName(path)
	return volume + string(filepath.Separator), path[len(volume):]
}

func components(path string) []string {
	names := strings.FieldsFunc(path, func(c rune) bool { return c == '/' || c == filepath.Separator })
	kept := names[:0]
	for _, n := range names {
		if n != "." {
			kept = append(kept, n)
		}
	}
	return kept
}
