package dir

import (
	"maps"
	"slices"

	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// references are the files that specs name, with their fingerprints.
type references struct {
	seen  map[string]string   // fingerprints by path; immutable once part of a set
	since *source.Difference  // the difference to the former value of seen; nil: there was none
	named map[string]int      // number of specs that name each path
	moved map[string]struct{} // paths that became named or unnamed since the last look
	// signed says whether signatures are searched beside every module.
	signed bool
}

// newReferences returns references with the files of verify, which matter to all specs.
func newReferences(verify spec.Verify) references {
	r := references{named: map[string]int{}, moved: map[string]struct{}{}, signed: verify.Signed()}
	for _, path := range verify.Files() {
		r.addPath(path, 1)
	}
	return r
}

// count updates the numbers after a change of the specs. Both lists are sorted by name and share
// the pointers of unchanged specs.
func (r *references) count(before, now []*spec.Spec) {
	for len(before) > 0 || len(now) > 0 {
		switch {
		case len(before) > 0 && len(now) > 0 && before[0] == now[0]:
			before, now = before[1:], now[1:]
		case len(now) == 0 || len(before) > 0 && before[0].Name < now[0].Name:
			r.add(before[0], -1)
			before = before[1:]
		default:
			r.add(now[0], 1)
			if len(before) > 0 && before[0].Name == now[0].Name {
				r.add(before[0], -1)
				before = before[1:]
			}
			now = now[1:]
		}
	}
}

func (r *references) add(s *spec.Spec, n int) {
	for _, path := range s.Files(r.signed) {
		r.addPath(path, n)
	}
}

func (r *references) addPath(path string, n int) {
	was := r.named[path]
	r.named[path] = was + n
	if was+n == 0 {
		delete(r.named, path)
	}
	if was == 0 || was+n == 0 {
		r.moved[path] = struct{}{}
	}
}

// look takes the fingerprints of files that may have changed.
func (r *references) look(by *resolver, d dirty) {
	fresh := map[string]string{} // changed fingerprints; "": the path is no longer named
	note := func(path string) {
		now := ""
		if r.named[path] > 0 {
			now = fingerprint(by, path)
		}
		if r.seen[path] != now {
			fresh[path] = now
		}
	}
	for path := range r.moved {
		note(path)
	}
	clear(r.moved)
	if d.all {
		for path := range r.named {
			note(path)
		}
	}
	for path := range d.refs {
		note(path)
	}
	if len(fresh) == 0 && r.seen != nil {
		return
	}
	seen := maps.Clone(r.seen)
	if seen == nil {
		seen = make(map[string]string, len(fresh))
	} else {
		r.since = &source.Difference{From: r.seen, Paths: slices.Collect(maps.Keys(fresh))}
	}
	for path, now := range fresh {
		if seen[path] = now; now == "" {
			delete(seen, path)
		}
	}
	r.seen = seen
}

// fingerprint returns a value that changes whenever the file changes.
func fingerprint(by *resolver, path string) string {
	at := by.resolve(path)
	switch {
	case at.err == nil && !at.info.IsDir():
		by.want.addLeaf(at.real, path)
		return stampOf(at.info).String()
	case missing(at.err):
		by.want.addLeaf(at.real, path)
		return "missing"
	case at.err != nil:
		by.want.addTrigger(at.real)
		return "unreadable: " + reason(at.err)
	default:
		by.want.addTrigger(at.real)
		return "directory"
	}
}
