package control

import (
	"cmp"
	"slices"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// entries are what is known of a set's specs. They are kept from set to set: of ten thousand
// specs, an edit looks into its own, and compares pointers for the others. The zero value
// knows nothing.
type entries struct {
	set *source.Set // nil: none yet
	// digests is the state of tags that the entries follow from, see [tags.changes].
	digests uint64
	all     []*entry // in the order of the set's specs
	// made has for each of all what it wants if it is plain, else nil; open are the
	// others, sorted by name.
	made []*snapshot.Filter
	open []*entry
}

// follow takes another set, or the same one when digests of tags have changed. Who is new is
// made by fresh; keep says of a spec that is in both sets whether what it refers to is the
// same, too, and is not asked where nothing that any spec refers to has changed.
func (n *entries) follow(set *source.Set, digests uint64, keep func(*entry) bool, fresh func(*spec.Spec) *entry) {
	if n.set == set && n.digests == digests {
		return
	}
	same := n.set != nil && n.digests == digests && sameMap(n.set.References, set.References)
	var specs []*spec.Spec
	if n.set != nil {
		specs = n.set.Specs
	}
	next := entries{set: set, digests: digests, all: make([]*entry, len(set.Specs)), made: make([]*snapshot.Filter, len(set.Specs))}
	var added []*entry
	at := 0 // how many of specs have been passed
	leave := func() { n.all[at].gone = true; at++ }
	for i := 0; i < len(set.Specs); {
		s := set.Specs[i]
		for at < len(specs) && specs[at] != s && specs[at].Name < s.Name {
			leave()
		}
		run := 0 // of specs that stay as they are
		for i+run < len(set.Specs) && at+run < len(specs) && specs[at+run] == set.Specs[i+run] && (same || keep(n.all[at+run])) {
			run++
		}
		if run > 0 {
			copy(next.all[i:], n.all[at:at+run])
			copy(next.made[i:], n.made[at:at+run])
			i, at = i+run, at+run
			continue
		}
		if at < len(specs) && specs[at].Name == s.Name {
			leave()
		}
		next.all[i] = fresh(s)
		added = append(added, next.all[i])
		i++
	}
	for at < len(specs) {
		leave()
	}
	next.open = slices.DeleteFunc(n.open, func(e *entry) bool { return e.gone })
	if len(added) > 0 {
		next.open = append(next.open, added...)
		slices.SortFunc(next.open, func(a, b *entry) int { return cmp.Compare(a.spec.Name, b.spec.Name) })
	}
	*n = next
}

// settle takes what has become plain out of open.
func (n *entries) settle() {
	n.open = slices.DeleteFunc(n.open, func(e *entry) bool {
		if !e.plain() {
			return false
		}
		if i, ok := n.index(e.spec.Name); ok {
			n.made[i] = e.done.filter
		}
		return true
	})
}

func (n *entries) index(name string) (int, bool) {
	return slices.BinarySearchFunc(n.all, name, func(e *entry, name string) int { return cmp.Compare(e.spec.Name, name) })
}

// of is the entry of a filter's spec; nil: there is none.
func (n *entries) of(name string) *entry {
	i, ok := n.index(name)
	if !ok {
		return nil
	}
	return n.all[i]
}
