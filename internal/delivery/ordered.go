package delivery

import (
	"cmp"
	"slices"
)

// ordered is all filters by name, and perhaps some that are dropped, until somebody looks: of
// ten thousand, few come and go between two looks.
type ordered struct {
	all     []*filter
	changed bool // all is not what it should be
}

// enroll takes a new filter. Names come from Envoys: what is dropped is not gathered for ever.
func (m *Machine) enroll(f *filter) {
	m.filters[f.name] = f
	m.ordered.all, m.ordered.changed = append(m.ordered.all, f), true
	if len(m.ordered.all) > 2*len(m.filters)+fewKeys {
		m.inOrder()
	}
}

// inOrder are all filters, sorted by name. The slice is the machine's own.
func (m *Machine) inOrder() []*filter {
	if o := &m.ordered; o.changed {
		o.all = slices.DeleteFunc(o.all, func(f *filter) bool { return m.filters[f.name] != f })
		slices.SortFunc(o.all, func(a, b *filter) int { return cmp.Compare(a.name, b.name) })
		o.changed = false
	}
	return m.ordered.all
}
