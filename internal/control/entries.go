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
	// users are the entries that each path matters for; keys matter for all.
	users map[string][]*entry
	keys  []string
}

// follow takes another set, or the same one when digests of tags have changed. Who is new is
// made by fresh; keep says of a spec that is in both sets whether what it refers to is the
// same, too, and is not asked where nothing of that is known to have changed.
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
	at := 0                       // how many of specs have been passed
	left := map[string]struct{}{} // by somebody
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
		run := 0 // of specs that stay as they are
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

// places are positions in a list, looked for in rising order.
type places struct {
	all  bool
	some []int // sorted; what was passed is taken out
}

func (p *places) has(at int) bool {
	for len(p.some) > 0 && p.some[0] < at {
		p.some = p.some[1:]
	}
	return p.all || len(p.some) > 0 && p.some[0] == at
}

// touched are the places of the entries for which something that they refer to may have
// changed with the set and the digests of tags.
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

// forget takes those that are gone out of the users of paths.
func (n *entries) forget(paths map[string]struct{}) {
	for path := range paths {
		users := slices.DeleteFunc(n.users[path], func(e *entry) bool { return e.gone })
		if n.users[path] = users; len(users) == 0 {
			delete(n.users, path)
		}
	}
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
