package delivery

import (
	"cmp"
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/verdict"
)

// filters has all filters by name. The sorted list is made when it is needed: of ten thousand
// filters, few come and go between two calls of inOrder.
type filters struct {
	verdicts *verdict.Book
	freeze   *freeze
	followed followedBook
	byName   map[string]*filter
	ordered  []*filter // may be unsorted and have dropped filters, if changed
	changed  bool
}

func newFilters(verdicts *verdict.Book, frozen *freeze, followed followedBook) *filters {
	return &filters{verdicts: verdicts, freeze: frozen, followed: followed, byName: map[string]*filter{}}
}

// get is the filter of the name; nil: there is none.
func (x *filters) get(name string) *filter { return x.byName[name] }

// with calls do with the filter of the name, if there is one.
func (x *filters) with(name string, do func(f *filter)) {
	if f := x.get(name); f != nil {
		do(f)
	}
}

// ensure is get, and makes the filter if there is none. Names come from Envoys, so dropped filters
// must not pile up in the list.
func (x *filters) ensure(name string, now time.Time) *filter {
	f := x.byName[name]
	if f == nil {
		f = newFilter(name, x.verdicts, x.freeze, x.followed.of(name), now)
		x.byName[name] = f
		x.ordered, x.changed = append(x.ordered, f), true
		if len(x.ordered) > 2*len(x.byName)+fewKeys {
			x.inOrder()
		}
	}
	return f
}

// drop drops a filter.
func (x *filters) drop(f *filter) {
	delete(x.byName, f.name)
	x.changed = true
}

// has says whether the filter was not dropped.
func (x *filters) has(f *filter) bool { return x.byName[f.name] == f }

// inOrder returns all filters, sorted by name. The slice is the registry's own.
func (x *filters) inOrder() []*filter {
	if x.changed {
		x.ordered = slices.DeleteFunc(x.ordered, func(f *filter) bool { return x.byName[f.name] != f })
		slices.SortFunc(x.ordered, func(a, b *filter) int { return cmp.Compare(a.name, b.name) })
		x.changed = false
	}
	return x.ordered
}

// streams has the open streams.
type streams map[StreamID]*stream

// versions are the versions of the connected Envoys.
func (x streams) versions() map[string]struct{} {
	all := map[string]struct{}{}
	for _, s := range x {
		all[s.node.Version] = struct{}{}
	}
	return all
}

// inOrder has all streams, sorted by id.
func (x streams) inOrder(yield func(*stream) bool) {
	for _, id := range sortedKeys(x) {
		if !yield(x[id]) {
			return
		}
	}
}
