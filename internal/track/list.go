package track

import (
	"cmp"
	"slices"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// list has the journeys of a set's specs. They survive from set to set: among ten thousand
// specs, an edit costs a look into a single journey, and a comparison of pointers for each
// other spec. The zero value knows no set.
type list struct {
	set *source.Set // nil: none yet
	// digests is the number of changes of the tags with which the journeys began, see
	// [tags.Table.Changes].
	digests uint64
	all     []*Spec // in the order of the set's specs
	// made has, for each of all, the wanted filter if the spec is plain, else nil. unfinished has
	// the specs that are not plain, sorted by name.
	made       []*snapshot.Filter
	unfinished []*Spec
	// users has the specs to which each path matters. The files of verify matter to all specs.
	users  map[string][]*Spec
	verify spec.Verify
}

// follow takes another set, or the same set after digests of tags have changed. fresh begins
// the journey of a spec. keep says whether the references of a spec in both sets are unchanged.
// follow calls keep only for specs with references that may have changed.
func (l *list) follow(set *source.Set, digests uint64, keep func(*Spec) bool, fresh func(*spec.Spec) *Spec) {
	if l.set == set && l.digests == digests {
		return
	}
	ask := l.touched(set, digests)
	var specs []*spec.Spec
	if l.set != nil {
		specs = l.set.Specs
	}
	next := list{
		set: set, digests: digests, all: make([]*Spec, len(set.Specs)), made: make([]*snapshot.Filter, len(set.Specs)),
		users: l.users, verify: l.verify,
	}
	if next.users == nil {
		next.users = map[string][]*Spec{}
	}
	var added []*Spec
	at := 0                       // the number of passed specs
	left := map[string]struct{}{} // paths of gone specs
	leave := func() {
		l.all[at].gone = true
		for _, path := range l.all[at].spec.Files(l.verify.Signed()) {
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
		for i+run < len(set.Specs) && at+run < len(specs) && specs[at+run] == set.Specs[i+run] && (!ask.has(at+run) || keep(l.all[at+run])) {
			run++
		}
		if run > 0 {
			copy(next.all[i:], l.all[at:at+run])
			copy(next.made[i:], l.made[at:at+run])
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
	next.dropGone(left)
	next.unfinished = slices.DeleteFunc(l.unfinished, func(one *Spec) bool { return one.gone })
	if len(added) > 0 {
		next.unfinished = append(next.unfinished, added...)
		slices.SortFunc(next.unfinished, func(a, b *Spec) int { return cmp.Compare(a.spec.Name, b.spec.Name) })
	}
	*l = next
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

// touched returns the places of the specs with references that may have changed with the set and
// the digests of tags.
func (l *list) touched(set *source.Set, digests uint64) *places {
	switch d := set.Differs; {
	case l.set == nil || l.digests != digests:
		return &places{all: true}
	case source.SameReferences(l.set.References, set.References):
		return &places{}
	case d == nil || !source.SameReferences(d.From, l.set.References):
		return &places{all: true}
	default:
		var some []int
		for _, path := range d.Paths {
			if slices.Contains(l.verify.Files(), path) {
				return &places{all: true}
			}
			for _, one := range l.users[path] {
				if i, ok := l.index(one.spec.Name); ok {
					some = append(some, i)
				}
			}
		}
		slices.Sort(some)
		return &places{some: some}
	}
}

func (l *list) use(one *Spec) {
	for _, path := range one.spec.Files(l.verify.Signed()) {
		l.users[path] = append(l.users[path], one)
	}
}

// dropGone removes gone specs from the users of paths.
func (l *list) dropGone(paths map[string]struct{}) {
	for path := range paths {
		users := slices.DeleteFunc(l.users[path], func(one *Spec) bool { return one.gone })
		if l.users[path] = users; len(users) == 0 {
			delete(l.users, path)
		}
	}
}

// finish removes plain specs from unfinished.
func (l *list) finish() {
	l.unfinished = slices.DeleteFunc(l.unfinished, func(one *Spec) bool {
		if !one.plain() {
			return false
		}
		if i, ok := l.index(one.spec.Name); ok {
			l.made[i] = one.outcome.Filter
		}
		return true
	})
}

func (l *list) index(name string) (int, bool) {
	return slices.BinarySearchFunc(l.all, name, func(one *Spec, name string) int { return cmp.Compare(one.spec.Name, name) })
}

// of returns the spec of a filter; nil: there is none.
func (l *list) of(name string) *Spec {
	i, ok := l.index(name)
	if !ok {
		return nil
	}
	return l.all[i]
}

// reopen makes the next plan look into a plain spec.
func (l *list) reopen(one *Spec) {
	if i, ok := l.index(one.spec.Name); ok {
		l.made[i] = nil
	}
	if !slices.Contains(l.unfinished, one) {
		l.unfinished = append(l.unfinished, one)
		slices.SortFunc(l.unfinished, func(a, b *Spec) int { return cmp.Compare(a.spec.Name, b.spec.Name) })
	}
}
