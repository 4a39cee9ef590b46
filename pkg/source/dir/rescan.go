package dir

import (
	"crypto/sha256"
	"runtime"
	"slices"
	"time"
)

// rescan is a look at everything without any change of the state. It runs beside the goroutine of
// the state on a copy of the tree, and records where the disk differs. So even a slow rescan does
// not delay an edit with an event. The findings are only hints: a finding may be half done or
// already known, so the source looks again.
// See docs/RATIONALE.md#why-does-a-rescan-change-nothing.
type rescan struct {
	since counts
	stop  <-chan struct{} // closed when nobody wants the findings any more
	steps int
	want  *interest // dependencies of the disk's present content; the trees belong to the copy

	differs bool       // a difference that may concern more than single files
	files   []seenFile // changed files
	refs    []seenRef  // changed references
	calm    []seenFile // unchanged files that were read too soon after their last change
	again   []seenFile // files that could not be read; the fault may end without any trace
}

// counts identify a version of the state: the number of looks, and of looks at everything.
type counts struct{ looks, all int }

// seenFile is a spec file in the findings of a rescan. known is the file's former content, or nil
// for a new file.
type seenFile struct {
	dir, name string
	known     *file
}

// seenRef is a referenced file in the findings. known is the former fingerprint.
type seenRef struct{ path, known string }

// quiet reports whether a rescan can run: the directory is available, and no failed watch needs
// another attempt.
func (s *state) quiet() bool { return s.unavailable == nil && s.watches.limit == nil }

// rescan prepares a rescan. run may run in any goroutine and stops early when stop is closed.
func (s *state) rescan(stop <-chan struct{}) (run func() *rescan) {
	r := &rescan{since: s.counts, stop: stop}
	ghost := &state{src: s.src, abs: s.abs, good: s.good}
	tree, seen := s.tree.copy(), s.refs.seen
	return func() *rescan {
		ghost.tree, r.want = tree.node(nil), newInterest(len(seen))
		p := ghost.newPass(r.want)
		p.rescan = r
		if ghost.lookAll(p) != nil || ghost.changed {
			r.differs = true
		}
		for path, was := range seen {
			if !r.goesOn() {
				break
			}
			if now := p.fingerprint(path); now != was {
				r.refs = append(r.refs, seenRef{path, was})
			}
		}
		return r
	}
}

// goesOn reports whether the rescan continues. Regularly goesOn yields to other goroutines, because
// on one core an edit would otherwise wait for the scheduler's time slice.
func (r *rescan) goesOn() bool {
	if r.steps++; r.steps%16 == 0 {
		runtime.Gosched()
	}
	select {
	case <-r.stop:
		return false
	default:
		return true
	}
}

// seeFile compares a spec file with the known file. It reads the file only if the stamp is not
// conclusive.
func (p *pass) seeFile(one seenFile, at place) {
	r, f, now := p.rescan, one.known, time.Now()
	switch st := stampOf(at.info); {
	case f == nil || f.stamp != st:
		r.files = append(r.files, one)
	case f.err != nil:
		r.again = append(r.again, one)
	case !f.racy:
	case !p.hasText(f, at):
		r.files = append(r.files, one)
	case !st.racy(now):
		r.calm = append(r.calm, one)
	}
}

// hasText reports whether a file still has the text of the last read.
func (p *pass) hasText(f *file, at place) bool {
	text, err := p.s.src.disk.readFile(at.real, p.s.src.limits.fileSize)
	return err == nil && sha256.Sum256(text) == f.sum
}

// rescanned applies the findings of a rescan and reports whether a look is necessary. A finding
// that was read meanwhile no longer counts.
func (s *state) rescanned(r *rescan, d *dirty) (some bool) {
	if s.counts.all != r.since.all {
		return false // a later look has covered everything
	}
	for _, one := range r.calm {
		if s.knows(one) {
			s.file(one).racy = false
		}
	}
	for _, one := range r.again {
		for _, n := range s.want.trees[one.dir] {
			put(&d.entries, entryKey{n, one.name})
			some = true
		}
	}
	switch {
	case r.differs:
		d.all = true
	case s.differs(r, *d):
		d.found = r // the events of these findings may arrive soon
	case s.counts == r.since && s.follow(r.want):
		d.all = true
	default:
		return some
	}
	return true
}

// differs reports whether a finding is neither covered by a look since the rescan began nor already
// part of d.
func (s *state) differs(r *rescan, d dirty) bool {
	return slices.ContainsFunc(r.files, s.knows) || slices.ContainsFunc(r.refs, func(ref seenRef) bool {
		_, due := d.refs[ref.path]
		return !due && s.refs.seen[ref.path] == ref.known
	})
}

// knows reports whether the state knows no more about a file than the rescan did.
func (s *state) knows(one seenFile) bool {
	f := s.file(one)
	if f == nil || one.known == nil {
		return f == nil && one.known == nil
	}
	return f.stamp == one.known.stamp && f.sum == one.known.sum && equalError(f.err, one.known.err)
}

// file returns a known spec file, or nil.
func (s *state) file(one seenFile) *file {
	for _, n := range s.want.trees[one.dir] {
		if f := n.files[one.name]; f != nil {
			return f
		}
	}
	return nil
}

// follow replaces the interest with the dependencies that a rescan found. The former interest has
// grown since the last look at everything and may contain obsolete paths. follow reports whether
// there are new watches, because earlier changes at these paths are unknown.
func (s *state) follow(want *interest) (news bool) {
	want.trees = map[string][]*node{}
	s.tree.eachNode(want.addTree)
	s.want = want
	s.watches.retain(want.dirs)
	for dir, id := range want.dirs {
		if s.watches.add(dir, id) {
			news = true
		}
	}
	return news
}

// eachNode calls visit for n and each directory below it.
func (n *node) eachNode(visit func(*node)) {
	visit(n)
	for _, sub := range n.dirs {
		sub.eachNode(visit)
	}
}

// nodeCopy is a cheap copy of a node and everything below. The tree is built from the copy later.
type nodeCopy struct {
	n     node
	names []string // names of the files
	files []file
	dirs  map[string]nodeCopy
}

func (n *node) copy() nodeCopy {
	c := nodeCopy{n: *n, names: make([]string, 0, len(n.files)), files: make([]file, 0, len(n.files))}
	for name, f := range n.files {
		c.names, c.files = append(c.names, name), append(c.files, *f)
	}
	if len(n.dirs) > 0 {
		c.dirs = make(map[string]nodeCopy, len(n.dirs))
	}
	for name, sub := range n.dirs {
		c.dirs[name] = sub.copy()
	}
	return c
}

func (c nodeCopy) node(parent *node) *node {
	n := &c.n
	n.parent = parent
	n.files = make(map[string]*file, len(c.files))
	for i, name := range c.names {
		n.files[name] = &c.files[i]
	}
	n.dirs = make(map[string]*node, len(c.dirs))
	for name, sub := range c.dirs {
		n.dirs[name] = sub.node(n)
	}
	return n
}
