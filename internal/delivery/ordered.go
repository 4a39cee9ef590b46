package delivery

import (
	"cmp"
	"slices"
)

// ordered has all filters by name. Between two calls of inOrder the list may be unsorted and may
// have dropped filters: of ten thousand filters, few come and go between two calls.
type ordered struct {
	all     []*filter
	changed bool // all must be cleaned and sorted
}

// enroll adds a new filter. Names come from Envoys, so dropped filters must not pile up.
func (m *Machine) enroll(f *filter) {
	m.filters[f.name] = f
	m.ordered.all, m.ordered.changed = append(m.ordered.all, f), true
	if len(m.ordered.all) > 2*len(m.filters)+fewKeys {
		m.inOrder()
	}
}

// inOrder returns all filters, sorted by name. The slice is the machine's own.
func (m *Machine) inOrder() []*filter {
	if o := &m.ordered; o.changed {
		o.all = slices.DeleteFunc(o.all, func(f *filter) bool { return m.filters[f.name] != f })
		slices.SortFunc(o.all, func(a, b *filter) int { return cmp.Compare(a.name, b.name) })
		o.changed = false
	}
	return m.ordered.all
}
