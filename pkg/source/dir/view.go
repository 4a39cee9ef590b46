package dir

import (
	"path/filepath"

	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// view is the source's view of the directory. Only one goroutine uses it.
type view struct {
	settings *settings
	watches  *watches
	want     *interest
	counts   counts

	root        root
	changes     changes // of the tree since docs was made
	docs        documents
	refs        references
	unavailable *spec.Error // why the directory cannot be read; nil: it can
}

func newView(c *settings, abs string, w *watches) *view {
	return &view{
		settings: c, watches: w, want: newInterest(0),
		root: root{shown: c.dir, abs: abs}, changes: changes{any: true}, refs: newReferences(c.verify),
	}
}

// look updates the view and returns a set.
func (v *view) look(d dirty) source.Set {
	if v.unavailable != nil {
		d.all = true // changes during the unavailability are unknown
	}
	v.counts.looks++
	if d.lost {
		v.watches.drop(string(filepath.Separator))
	}
	for dir := range d.gone {
		v.watches.drop(dir)
	}
	by := v.newReader()
	if !d.all && !by.readEntries(v.root.tree, d) {
		d.all = true // perhaps too many files: only a full look counts all of them
	}
	by.finish()
	if d.found != nil && v.lacks(d.found, d) {
		d.all = true
	}
	if d.all {
		by = v.lookAtAll()
		defer func() { v.watches.retain(v.want.dirs) }() // the references add directories
	}
	if v.unavailable != nil {
		return source.Set{Unavailable: v.unavailable}
	}
	before := v.docs.specs
	if v.docs.update(v.root.tree, &v.changes) {
		v.refs.count(before, v.docs.specs)
	}
	v.refs.look(by.resolver, d)
	return source.Set{
		Specs:       v.docs.specs,
		Errors:      v.docs.errs,
		BrokenFiles: v.docs.broken,
		References:  v.refs.seen,
		Differs:     v.refs.since,
		Degraded:    v.watches.degraded(),
	}
}

// lookAtAll reads the whole directory, gives failed watches another attempt, and replaces the
// interest. It returns the reader for the references.
func (v *view) lookAtAll() *reader {
	v.counts.all++
	v.watches.begin()
	v.want = newInterest(len(v.want.leaves))
	by := v.newReader()
	v.unavailable = v.root.read(by)
	by.finish()
	return by
}

func (v *view) newReader() *reader {
	return newReader(v.settings, v.want, func(dir string, id identity) { v.watches.add(dir, id) }, &v.changes)
}

// hear adds the paths of the events to d. some reports whether any event matters. c is the least
// completeness of these events.
func (v *view) hear(b batch, d *dirty) (some bool, c completeness) {
	return listener{want: v.want, watched: v.watches.has, isDir: v.settings.disk.isDir}.hear(b, d)
}

// calm reports whether a rescan can run: the directory is available, and no failed watch needs
// another attempt.
func (v *view) calm() bool { return v.unavailable == nil && v.watches.complete() }

// rescan prepares a rescan, as [startRescan] describes it.
func (v *view) rescan(stop <-chan struct{}) (run func() *findings) {
	return startRescan(v.settings, v.root, v.refs.seen, v.counts, stop)
}

// rescanned applies the findings of a rescan and reports whether a look is necessary. A finding
// that was read meanwhile no longer counts.
func (v *view) rescanned(found *findings, d *dirty) (some bool) {
	if v.counts.all != found.since.all {
		return false // a later look has covered everything
	}
	for _, one := range found.calm {
		if one.unseen(v.want) {
			v.want.file(one.dir, one.name).racy = false
		}
	}
	for _, one := range found.again {
		for _, n := range v.want.trees[one.dir] {
			put(&d.entries, entryKey{n, one.name})
			some = true
		}
	}
	switch {
	case found.differs:
		d.all = true
	case v.lacks(found, *d):
		d.found = found // the events of these findings may arrive soon
	case v.counts == found.since && v.follow(found.want):
		d.all = true
	default:
		return some
	}
	return true
}

// lacks reports whether the view lacks a finding of a rescan, and d does not cover the finding.
func (v *view) lacks(found *findings, d dirty) bool { return d.unseen(found, v.want, v.refs.seen) }

// follow replaces the interest with the dependencies that a rescan found. The former interest has
// grown since the last look at everything and may contain obsolete paths. follow reports whether
// there are new watches, because earlier changes at these paths are unknown.
func (v *view) follow(want *interest) (news bool) {
	want.replaceTrees(v.root.tree)
	v.want = want
	v.watches.retain(want.dirs)
	for dir, id := range want.dirs {
		if v.watches.add(dir, id) {
			news = true
		}
	}
	return news
}
