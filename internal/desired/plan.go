package desired

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Input has all inputs of the decision about the wanted filters.
type Input struct {
	// Previous has the filters of the former plan.
	Previous *snapshot.Snapshot
	Set      source.Set
	// Made has, for each of the set's specs, the wanted filter, or nil if Unfinished has the spec.
	// Unfinished is sorted by name.
	Made       []*snapshot.Filter
	Unfinished []Unfinished
	Pins       Pins
	Delivery   spec.Delivery // for specs without a delivery
	AllowEmpty bool          // a source may remove all of its specs at once
}

// Plan is the wanted filters, and the problems to show about them. A Plan is immutable.
type Plan struct {
	Filters  []*snapshot.Filter
	Problems map[string]*spec.Error // by filter
	Warnings map[string][]*spec.Error
	Checking map[string]*spec.Spec // the filters with their newest revision in the sandbox
	Pins     Pins                  // the active rollbacks
	Held     *spec.Error           // all specs of a source went at once: their filters are held
	// HeldRoots are the roots of the sources with held filters; "" is the only source.
	HeldRoots []string
}

// Make makes the plan.
func Make(in Input) Plan {
	m := maker{Input: in, roots: in.Set.Roots, plan: Plan{
		Problems: map[string]*spec.Error{}, Warnings: map[string][]*spec.Error{}, Checking: map[string]*spec.Spec{}, Pins: Pins{},
	}}
	m.addSpecs()
	gone := m.gone()
	m.addBroken(gone)
	m.addGone(gone)
	m.plan.Filters = m.wanted.filters
	return m.plan
}

// maker is a plan on its way.
type maker struct {
	Input
	roots  roots
	wanted wishes
	plan   Plan
}

// addSpecs adds the filters of the valid specs.
func (m *maker) addSpecs() {
	filters := make([]*snapshot.Filter, len(m.Made), len(m.Made)+8)
	copy(filters, m.Made)
	at := 0
	for i := range m.Unfinished {
		u := &m.Unfinished[i]
		for m.Set.Specs[at] != u.Spec {
			at++
		}
		filters[at] = m.filterOf(u.Spec, &u.Outcome)
	}
	for name := range m.Input.Pins {
		i, ok := slices.BinarySearchFunc(m.Set.Specs, name, func(s *spec.Spec, name string) int { return cmp.Compare(s.Name, name) })
		if ok && m.Made[i] != nil {
			filters[i] = m.filterOf(m.Set.Specs[i], &Outcome{Revision: m.Made[i].Revision, Filter: m.Made[i]})
		}
	}
	if len(m.Unfinished) > 0 {
		filters = slices.DeleteFunc(filters, func(f *snapshot.Filter) bool { return f == nil })
	}
	m.wanted = wishes{filters: filters, specs: len(filters)}
}

// filterOf returns the wanted filter of a valid spec: the new filter if the spec has a revision,
// else the previous filter. A new filter is nil while its check is fresh. Otherwise an Envoy would
// get a stand-in and at once another revision.
func (m *maker) filterOf(s *spec.Spec, got *Outcome) *snapshot.Filter {
	if got.Warnings != nil {
		m.plan.Warnings[s.Name] = got.Warnings
	}
	pin, pinned := m.Input.Pins[s.Name]
	if got.Filter != nil && !pinned {
		return got.Filter
	}
	if got.Err != nil {
		m.plan.Problems[s.Name] = got.Err
	}
	if got.Checking && !got.Fresh {
		m.plan.Checking[s.Name] = s
	}
	before := m.Previous.Get(s.Name)
	if got.Revision == nil && before != nil && before.Revision != nil {
		if pinned {
			m.plan.Pins[s.Name] = pin
		}
		if !before.Removed && before.Disabled == s.Disabled && before.SpecFile == s.File {
			return before
		}
		kept := *before
		// The switch must work even while the module is not available.
		kept.Removed, kept.Disabled, kept.SpecFile = false, s.Disabled, s.File
		return &kept
	}
	if got.Fresh && before == nil && !s.Disabled {
		return nil
	}
	f := got.Filter
	if f == nil {
		f = NewFilter(s, got.Revision, m.Delivery)
		f.Preparing = got.Pending
	}
	if pinned && got.Revision != nil && (pin.Pinned || pin.Instead == got.Revision.ID) {
		pin.Instead = got.Revision.ID
		m.plan.Pins[s.Name] = pin
		back := *f
		back.Revision, back.RolledBack = pin.Revision, pin.Revision.ID != pin.Instead
		return &back
	}
	return f
}

// gone returns the previous filters without a spec, sorted by name.
func (m *maker) gone() []*snapshot.Filter {
	var gone []*snapshot.Filter
	specs := m.wanted.filters[:m.wanted.specs]
	for _, before := range m.Previous.All() {
		for len(specs) > 0 && specs[0] != before && specs[0].Name < before.Name {
			specs = specs[1:]
		}
		if len(specs) > 0 && (specs[0] == before || specs[0].Name == before.Name) {
			specs = specs[1:]
		} else {
			gone = append(gone, before)
		}
	}
	return gone
}

// addBroken keeps the previous filters of documents with errors. For a document that was never
// served, addBroken adds a filter without a revision.
func (m *maker) addBroken(gone []*snapshot.Filter) {
	for _, e := range m.Set.Errors {
		name := e.Name
		if name == "" || m.wanted.has(name) {
			if name != "" && m.plan.Problems[name] == nil {
				m.plan.Problems[name] = e
			}
			continue
		}
		m.plan.Problems[name] = e
		if before := m.Previous.Get(name); before != nil {
			m.keep(before)
			continue
		}
		m.wanted.add(&snapshot.Filter{
			Name: name, Type: spec.HTTP, Policy: spec.Closed, Delivery: m.Delivery, OnRemove: spec.Keep, SpecFile: e.Pos.File,
		})
	}
	// A document has no name, or a file is not YAML: the file may still describe its former
	// filters.
	for _, before := range gone {
		if m.wanted.hasOther(before.Name) {
			continue
		}
		if before.Removed {
			m.wanted.add(before)
			continue
		}
		if e := hiddenBy(&m.Set, before.SpecFile); e != nil {
			m.keep(before)
			m.plan.Problems[before.Name] = e
		}
	}
}

// addGone adds the other filters without a spec, removed or held.
func (m *maker) addGone(gone []*snapshot.Filter) {
	gone = slices.DeleteFunc(gone, func(f *snapshot.Filter) bool { return m.wanted.hasOther(f.Name) })
	removed, held := gone, []*snapshot.Filter(nil)
	if !m.AllowEmpty {
		removed, held = split(gone, m.roots, m.Set.Specs, m.wanted.filters)
	}
	if len(held) > 0 {
		m.plan.Held = &spec.Error{
			Code:    "all_specs_removed",
			Message: fmt.Sprintf("all %d specs%s went at once: held, what was served is served on", len(held), m.roots.suffix(held[0].SpecFile)),
			Hint:    "put a spec back, or start with --allow-empty to have them removed",
		}
	}
	for _, before := range held {
		if root := m.roots.of(before.SpecFile); !slices.Contains(m.plan.HeldRoots, root) {
			m.plan.HeldRoots = append(m.plan.HeldRoots, root)
		}
		m.keep(before)
	}
	for _, before := range removed {
		without := *before
		without.Removed = true
		m.wanted.add(&without)
		if pin := m.Input.Pins[before.Name]; pin.Pinned {
			m.plan.Pins[before.Name] = pin // the spec may come back
		}
	}
}

// keep adds a previous filter as it was, with its rollback.
func (m *maker) keep(before *snapshot.Filter) {
	kept := before
	if before.Removed {
		back := *before
		back.Removed = false
		kept = &back
	}
	m.wanted.add(kept)
	if pin, ok := m.Input.Pins[before.Name]; ok {
		m.plan.Pins[before.Name] = pin
	}
}
