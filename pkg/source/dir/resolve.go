package dir

import (
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
)

// pass is one look. A pass asks the file system about each directory and link only once. It watches
// each directory before it reads the directory, so that no change is missed.
type pass struct {
	s       *state
	want    *interest
	seen    map[string]lookup
	parents map[string]place // of the followed paths
	watched map[string]struct{}
	files   int // spec files seen
	dirs    int // directories of specs seen

	decoding decoding
	rescan   *rescan // nil: a normal look; else the pass records findings and watches nothing
}

// lookup is the file at a path. link is the target of a symbolic link.
type lookup struct {
	info fs.FileInfo
	link string
	err  error
}

func (s *state) newPass(want *interest) *pass {
	return &pass{
		s: s, want: want,
		seen: map[string]lookup{}, parents: map[string]place{}, watched: map[string]struct{}{},
	}
}

func (p *pass) lookup(path string) lookup {
	if l, ok := p.seen[path]; ok {
		return l
	}
	var l lookup
	l.info, l.err = p.s.src.disk.lstat(path)
	if l.err == nil && l.info.Mode()&fs.ModeSymlink != 0 {
		l.link, l.err = p.s.src.disk.readlink(path)
	}
	if l.err != nil || l.link != "" || l.info.IsDir() {
		p.seen[path] = l
	}
	return l
}

// watch adds a real directory to the watched directories.
func (p *pass) watch(dir string) {
	if _, ok := p.watched[dir]; ok {
		return
	}
	p.watched[dir] = struct{}{}
	l := p.lookup(dir)
	id := identityOf(l.info)
	p.want.dirs[dir] = id
	if l.err == nil && p.rescan == nil {
		p.s.watches.add(dir, id)
	}
}

func (p *pass) trigger(path string) { p.want.triggers[path] = struct{}{} }

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
func (p *pass) resolve(path string) place {
	parent, name := filepath.Split(path)
	if root, rest := splitRoot(parent); rest == "" {
		return p.walk(root, name)
	}
	at, known := p.parents[parent]
	if !known {
		at = p.walk(splitRoot(parent))
		p.parents[parent] = at
		p.trigger(at.real)
	}
	if at.err == nil && !at.info.IsDir() {
		at.err = notADirectory(at.real)
	}
	if at.err != nil {
		return place{real: at.real, err: at.err}
	}
	return p.walk(at.real, name)
}

// walk follows a relative path from a real directory. It watches all directories on the path, and
// makes all names triggers, except for a last name that is no link.
func (p *pass) walk(dir, rest string) place {
	todo := components(rest)
	links := 0
	for len(todo) > 0 {
		name := todo[0]
		todo = todo[1:]
		if name == ".." {
			dir = filepath.Dir(dir)
			continue
		}
		p.watch(dir)
		path := below(dir, name)
		l := p.lookup(path)
		switch {
		case l.link != "":
			p.trigger(path)
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
		p.trigger(path)
		if l.err != nil {
			return place{real: path, err: l.err}
		}
		if !l.info.IsDir() {
			return place{real: path, err: notADirectory(path)}
		}
		dir = path
	}
	l := p.lookup(dir)
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
	names := strings.FieldsFunc(path, func(r rune) bool { return r == '/' || r == filepath.Separator })
	kept := names[:0]
	for _, n := range names {
		if n != "." {
			kept = append(kept, n)
		}
	}
	return kept
}
