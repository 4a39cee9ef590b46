package control

import (
	"cmp"
	"slices"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// entries are the control's knowledge about a set's specs. They survive from set to set: among
// ten thousand specs, an edit costs a look into a single entry, and a comparison of pointers for
// each other spec. The zero value knows no set.
type entries struct {
	set *source.Set // nil: none yet
	// digests is the state of the tags for which the entries were made, see [tags.changes].
	digests uint64
	all     []*entry // in the order of the set's specs
	// made has, for each entry of all, the wanted filter if the entry is plain, else nil. open
	// has the entries that are not plain, sorted by name.
	made []*snapshot.Filter
	open []*entry
	// users has the entries to which each path matters. keys matter to all entries.
	users map[string][]*entry
	keys  []string
}

// follow takes another set, or the same set after digests of tags have changed. fresh makes the
// entry of a new spec. keep says whether the references of a spec in both sets are unchanged.
// follow calls keep only for specs with references that may have changed.
func (n *entries) follow(set *source.Set, digests uint64, keep func(*entry) bool, fresh func(*spec.Spec) *entry) {
	if n.set == set && n.digests == digests {
		return
	}
	ask := n.touched(set, digests)
	var specs []*spec.Spec
	if n.set != nil {
		specs = n.set.Specs
	}
	next := entries{
		set: set, digests: digests, all: make([]*entry, len(set.Specs)), made: make([]*snapshot.Filter, len(set.Specs)),
		users: n.users, keys: n.keys,
	}
	if next.users == nil {
		next.users = map[string][]*entry{}
	}
	var added []*entry
	at := 0                       // the number of passed specs
	left := map[string]struct{}{} // paths of gone entries
	leave := func() {
		n.all[at].gone = true
		for _, path := range n.all[at].spec.Files(len(n.keys) > 0) {
			left[path] = struct{}{}
		}
		at++
	}
	for i := 0; i < len(set.Specs); {
		s := set.Specs[i]
		for at < len(specs) && specs[at] != s && specs[at].Name < s.Name {
			leave()
		}
		run := 0 // the number of specs without a change
		for i+run < len(set.Specs) && at+run < len(specs) && specs[at+run] == set.Specs[i+run] && (!ask.has(at+run) || keep(n.all[at+run])) {
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
		next.use(next.all[i])
		added = append(added, next.all[i])
		i++
	}
	for at < len(specs) {
		leave()
	}
	next.forget(left)
	next.open = slices.DeleteFunc(n.open, func(e *entry) bool { return e.gone })
	if len(added) > 0 {
		next.open = append(next.open, added...)
		slices.SortFunc(next.open, func(a, b *entry) int { return cmp.Compare(a.spec.Name, b.spec.Name) })
	}
	*n = next
}

// places are positions in a list. Callers ask for them in rising order.
type places struct {
	all  bool
	some []int // sorted, without passed positions
}

func (p *places) has(at int) bool {
	for len(p.some) > 0 && p.some[0] < at {
		p.some = p.some[1:]
	}
	return p.all || len(p.some) > 0 && p.some[0] == at
}

// touched returns the places of the entries with references that may have changed with the set and
// the digests of tags.
func (n *entries) touched(set *source.Set, digests uint64) *places {
	switch d := set.Differs; {
	case n.set == nil || n.digests != digests:
		return &places{all: true}
	case source.SameReferences(n.set.References, set.References):
		return &places{}
	case d == nil || !source.SameReferences(d.From, n.set.References):
		return &places{all: true}
	default:
		var some []int
		for _, path := range d.Paths {
			if slices.Contains(n.keys, path) {
				return &places{all: true}
			}
			for _, e := range n.users[path] {
				if i, ok := n.index(e.spec.Name); ok {
					some = append(some, i)
				}
			}
		}
		slices.Sort(some)
		return &places{some: some}
	}
}

func (n *entries) use(e *entry) {
	for _, path := range e.spec.Files(len(n.keys) > 0) {
		n.users[path] = append(n.users[path], e)
	}
}

// forget removes gone entries from the users of paths.
func (n *entries) forget(paths map[string]struct{}) {
	for path := range paths {
		users := slices.DeleteFunc(n.users[path], func(e *entry) bool { return e.gone })
		if n.users[path] = users; len(users) == 0 {
			delete(n.users, path)
		}
	}
}

// settle removes plain entries from open.
func (n *entries) settle() {
	n.open = slices.DeleteFunc(n.open, func(e *entry) bool {
		if !e.plain() {
			return false
		}
		if i, ok := n.index(e.spec.Name); ok {
			n.made[i] = e.done.Filter
		}
		return true
	})
}

func (n *entries) index(name string) (int, bool) {
	return slices.BinarySearchFunc(n.all, name, func(e *entry, name string) int { return cmp.Compare(e.spec.Name, name) })
}

// of returns the entry of a filter's spec; nil: there is none.
func (n *entries) of(name string) *entry {
	i, ok := n.index(name)
	if !ok {
		return nil
	}
	return n.all[i]
}
