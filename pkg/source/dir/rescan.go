package dir

import (
	"crypto/sha256"
	"runtime"
	"slices"
	"time"
)

// rescan is a look at everything that changes nothing: it goes through a copy of what is
// known, beside the goroutine that owns the state, and notes where the disk differs. An edit
// that an event tells of meanwhile need not wait for it, however long it takes. What it
// notes is a hint: whatever it is about is looked at again, for what it saw may be half
// done, or be known by now.
type rescan struct {
	since counts
	stop  <-chan struct{} // closed: its findings are not wanted any more
	steps int
	want  *interest // what the disk as it is depends on; its trees are the copy's

	differs bool       // something that may concern more than single files
	files   []seenFile // that are not as they were
	refs    []seenRef  // likewise
	calm    []seenFile // that were read too soon after their last change, and are as they were
	again   []seenFile // that could not be read, which may be over without a trace
}

// counts tell states apart: the looks, and those at everything.
type counts struct{ looks, all int }

// seenFile is a spec file that a rescan has something to say of, and what was known of it
// before; known is nil where it was not known.
type seenFile struct {
	dir, name string
	known     *file
}

// seenRef is a file that is referred to, likewise.
type seenRef struct{ path, known string }

// quiet says whether all is as it should be, so that a rescan can say what it finds: the
// directory is there, and nothing that should be watched has to be tried again.
func (s *state) quiet() bool { return s.unavailable == nil && s.watches.limit == nil }

// rescan prepares one. It runs on its own then, in any goroutine, until stop is closed.
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

// goesOn says whether there is to be another step, and lets others go first now and then:
// on one core an edit would wait for the scheduler's time slice.
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

// seeFile compares a spec file with what is known of it, and reads it only where its
// stamp does not tell.
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

// hasText says whether a file still has the text that was read last.
func (p *pass) hasText(f *file, at place) bool {
	text, err := p.s.src.disk.readFile(at.real, p.s.src.limits.fileSize)
	return err == nil && sha256.Sum256(text) == f.sum
}

// rescanned takes the findings of a rescan, and says whether anything has to be looked at
// because of them. An edit that was read meanwhile is no difference any more.
func (s *state) rescanned(r *rescan, d *dirty) (some bool) {
	if s.counts.all != r.since.all {
		return false // all was looked at since
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
		d.found = r // the events of it may be on their way
	case s.counts == r.since && s.follow(r.want):
		d.all = true
	default:
		return some
	}
	return true
}

// differs says whether there is anything else to look at than what has been looked at since r
// began, or is to be looked at in any case.
func (s *state) differs(r *rescan, d dirty) bool {
	return slices.ContainsFunc(r.files, s.knows) || slices.ContainsFunc(r.refs, func(ref seenRef) bool {
		_, due := d.refs[ref.path]
		return !due && s.refs.seen[ref.path] == ref.known
	})
}

// knows says whether of a file no more is known than a rescan knew.
func (s *state) knows(one seenFile) bool {
	f := s.file(one)
	if f == nil || one.known == nil {
		return f == nil && one.known == nil
	}
	return f.stamp == one.known.stamp && f.sum == one.known.sum && equalError(f.err, one.known.err)
}

// file finds a spec file; nil: there is none.
func (s *state) file(one seenFile) *file {
	for _, n := range s.want.trees[one.dir] {
		if f := n.files[one.name]; f != nil {
			return f
		}
	}
	return nil
}

// follow takes what a rescan found to depend on in place of what was gathered since the last
// look at everything, some of which nothing depends on any more. It says whether there is
// something new among it: what happened there before it was watched is not known.
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

// nodeCopy is a copy of a node and of all below it, which costs little to make. It is a
// tree only in the end.
type nodeCopy struct {
	n     node
	names []string // of files
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
