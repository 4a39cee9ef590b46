package dir

import (
	"cmp"
	"slices"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// changes are the changes of a tree since its documents were gathered.
type changes struct {
	any   bool   // anything may have changed
	edits []edit // changes of single files, in addition to any
}

// edit is the change of a file with valid documents that keep their names.
type edit struct{ before, now []*spec.Spec }

// documents is the combined content of all spec files.
type documents struct {
	specs  []*spec.Spec  // sorted by name, each name once
	errs   []*spec.Error // sorted by position
	broken []string      // sorted
}

// update adapts the documents to the changes of a tree, and reports whether there were any. It
// clears the changes.
func (d *documents) update(tree *node, c *changes) bool {
	switch {
	case !c.any && len(c.edits) == 0:
		return false
	case c.any || !d.apply(c.edits):
		*d = gather(tree)
	}
	*c = changes{}
	return true
}

// apply updates the documents after edits, with the same result as gather. If that is impossible,
// apply changes nothing and returns false.
func (d *documents) apply(edits []edit) bool {
	specs := slices.Clone(d.specs) // the former slice is part of a set
	for _, e := range edits {
		for j, s := range e.now {
			i, found := slices.BinarySearchFunc(specs, s.Name, func(s *spec.Spec, name string) int { return cmp.Compare(s.Name, name) })
			if !found || specs[i] != e.before[j] {
				return false // another document claims the name, too
			}
			specs[i] = s
		}
	}
	d.specs = specs
	return true
}

// gather combines the files of a tree.
func gather(root *node) documents {
	var d documents
	var files []*file
	root.each(func(f *file) {
		if f.err != nil {
			d.errs = append(d.errs, f.err)
			d.broken = append(d.broken, f.shown)
			return
		}
		if f.broken {
			d.broken = append(d.broken, f.shown)
		}
		d.errs = append(d.errs, f.errs...)
		files = append(files, f)
	}, func(n *node) {
		d.errs = append(d.errs, n.err)
		d.broken = append(d.broken, n.shown)
		n.eachFile(func(f *file) { d.broken = append(d.broken, f.shown) })
	})
	specs, errs := unique(claimsOf(files))
	d.specs, d.errs = specs, append(d.errs, errs...)
	slices.SortStableFunc(d.errs, compareErrors)
	slices.Sort(d.broken)
	return d
}
