package control

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// outcome is the result of resolving and checking a spec.
type outcome struct {
	revision *snapshot.Revision
	// filter is the wanted filter with that revision; nil: not made yet.
	filter   *snapshot.Filter
	err      *spec.Error
	warnings []*spec.Error // of the sandbox
	pending  bool          // neither a filter nor an error yet
	checking bool          // the sandbox has the spec
	fresh    bool          // the check is younger than checkHold
	again    bool          // the spec took too long in the sandbox, which tries again
	refused  string        // the revision refused by the sandbox; "": none
}

// openSpec is a spec that is not plain: pending, with an error, or with warnings.
type openSpec struct {
	spec *spec.Spec
	outcome
}

// Pin is a rollback: Revision is served for as long as the spec describes Instead.
type Pin struct {
	Revision *snapshot.Revision `json:"revision"`
	Instead  string             `json:"instead"`
}

// planning has all inputs of the decision about the wanted filters.
type planning struct {
	previous *snapshot.Snapshot
	set      source.Set
	// made has, for each of the set's specs, the wanted filter, or nil if open has the spec's
	// outcome. open is sorted by name.
	made       []*snapshot.Filter
	open       []openSpec
	pins       map[string]Pin
	delivery   spec.Delivery // for specs without a delivery
	allowEmpty bool
}

// plan is the wanted filters, and the problems to show.
type plan struct {
	filters  []*snapshot.Filter
	problems map[string]*spec.Error // by filter
	warnings map[string][]*spec.Error
	checking map[string]*spec.Error // filters with their newest revision in the sandbox
	pins     map[string]Pin         // the active rollbacks
	held     *spec.Error            // every spec of a source went at once: their filters are held
	// heldRoots are the roots of the sources with held filters; "" is the only source.
	heldRoots []string
}

// makePlan is pure: the same planning gives the same plan.
func makePlan(p planning) plan {
	out := plan{
		problems: map[string]*spec.Error{}, warnings: map[string][]*spec.Error{}, checking: map[string]*spec.Error{}, pins: map[string]Pin{},
	}
	wanted := p.ofSpecs(&out)
	gone := p.gone(&wanted)
	p.addBroken(gone, &wanted, &out)
	removed, held := p.believed(gone, &wanted)
	if len(held) > 0 {
		out.held = &spec.Error{
			Code:    "all_specs_removed",
			Message: fmt.Sprintf("all %d specs%s went at once: held, what was served is served on", len(held), p.inRoot(held[0])),
			Hint:    "put a spec back, or start with --allow-empty to have them removed",
		}
	}
	for _, before := range held {
		if root := p.rootOf(before.SpecFile); !slices.Contains(out.heldRoots, root) {
			out.heldRoots = append(out.heldRoots, root)
		}
		p.keep(before, &wanted, &out)
	}
	for _, before := range removed {
		without := *before
		without.Removed = true
		wanted.add(&without)
	}
	out.filters = wanted.filters
	return out
}

// ofSpecs returns the wishes of the valid specs. made has the filters of plain specs without a
// pin.
func (p planning) ofSpecs(out *plan) wishes {
	filters := make([]*snapshot.Filter, len(p.made), len(p.made)+8)
	copy(filters, p.made)
	at := 0
	for i := range p.open {
		o := &p.open[i]
		for p.set.Specs[at] != o.spec {
			at++
		}
		filters[at] = p.filterOf(o.spec, &o.outcome, out)
	}
	for name := range p.pins {
		i, ok := slices.BinarySearchFunc(p.set.Specs, name, func(s *spec.Spec, name string) int { return cmp.Compare(s.Name, name) })
		if ok && p.made[i] != nil {
			filters[i] = p.filterOf(p.set.Specs[i], &outcome{revision: p.made[i].Revision, filter: p.made[i]}, out)
		}
	}
	if len(p.open) > 0 {
		filters = slices.DeleteFunc(filters, func(f *snapshot.Filter) bool { return f == nil })
	}
	return wishes{filters: filters, specs: len(filters)}
}

// wishes are the wanted filters. Each name occurs once.
type wishes struct {
	filters []*snapshot.Filter
	specs   int                 // the number of filters from specs: the first ones, sorted by name
	others  map[string]struct{} // the names of the remaining filters
}

func (w *wishes) add(f *snapshot.Filter) {
	w.filters = append(w.filters, f)
	if w.others == nil {
		w.others = map[string]struct{}{}
	}
	w.others[f.Name] = struct{}{}
}

func (w *wishes) has(name string) bool {
	_, ok := slices.BinarySearchFunc(w.filters[:w.specs], name, func(f *snapshot.Filter, name string) int { return cmp.Compare(f.Name, name) })
	return ok || w.hasOther(name)
}

func (w *wishes) hasOther(name string) bool {
	_, ok := w.others[name]
	return ok
}

// filterOf returns the wanted filter of a valid spec: the new filter if the spec could be resolved,
// else the previous filter. A new filter is nil while its check is younger than checkHold.
// Otherwise an Envoy would get a stand-in and at once another revision.
func (p planning) filterOf(s *spec.Spec, got *outcome, out *plan) *snapshot.Filter {
	if got.warnings != nil {
		out.warnings[s.Name] = got.warnings
	}
	pin, pinned := p.pins[s.Name]
	if got.filter != nil && !pinned {
		return got.filter
	}
	if got.err != nil {
		out.problems[s.Name] = got.err
	}
	if got.checking && !got.fresh {
		out.checking[s.Name] = checkingError(s)
	}
	before := p.previous.Get(s.Name)
	if got.revision == nil && before != nil && before.Revision != nil {
		if pinned {
			out.pins[s.Name] = pin
		}
		if !before.Removed && before.Disabled == s.Disabled && before.SpecFile == s.File {
			return before
		}
		kept := *before
		// The switch must work even while the module is not available.
		kept.Removed, kept.Disabled, kept.SpecFile = false, s.Disabled, s.File
		return &kept
	}
	if got.fresh && before == nil && !s.Disabled {
		return nil
	}
	f := got.filter
	if f == nil {
		f = newFilter(s, got.revision, p.delivery)
		f.Preparing = got.pending
	}
	if pinned && got.revision != nil && pin.Instead == got.revision.ID {
		out.pins[s.Name] = pin
		back := *f
		back.Revision = pin.Revision
		return &back
	}
	return f
}

// newFilter makes a spec's wanted filter. delivery is for specs without a delivery.
func newFilter(s *spec.Spec, revision *snapshot.Revision, delivery spec.Delivery) *snapshot.Filter {
	return &snapshot.Filter{
		Name: s.Name, Type: s.Type, Revision: revision, Policy: s.Policy, Delivery: cmp.Or(s.Delivery, delivery),
		Nodes: s.Nodes, Canary: s.Canary, OnRemove: s.OnRemove, AcceptLoss: s.AcceptLoss, Disabled: s.Disabled, SpecFile: s.File,
	}
}

// addBroken keeps the previous filters of documents with errors. For a document that was never
// served, addBroken adds a filter without a revision.
func (p planning) addBroken(gone []*snapshot.Filter, wanted *wishes, out *plan) {
	for _, e := range p.set.Errors {
		name := e.Name
		if name == "" || wanted.has(name) {
			if name != "" && out.problems[name] == nil {
				out.problems[name] = e
			}
			continue
		}
		out.problems[name] = e
		if before := p.previous.Get(name); before != nil {
			p.keep(before, wanted, out)
			continue
		}
		wanted.add(&snapshot.Filter{
			Name: name, Type: spec.HTTP, Policy: spec.Closed, Delivery: p.delivery, OnRemove: spec.Keep, SpecFile: e.Pos.File,
		})
	}
	// A document has no name, or a file is not YAML: the file may still describe its former
	// filters.
	for _, before := range gone {
		if wanted.hasOther(before.Name) {
			continue
		}
		if before.Removed {
			wanted.add(before)
			continue
		}
		if e := p.unknownIn(before.SpecFile); e != nil {
			p.keep(before, wanted, out)
			out.problems[before.Name] = e
		}
	}
}

func (p planning) keep(before *snapshot.Filter, wanted *wishes, out *plan) {
	kept := before
	if before.Removed {
		back := *before
		back.Removed = false
		kept = &back
	}
	wanted.add(kept)
	if pin, ok := p.pins[before.Name]; ok {
		out.pins[before.Name] = pin
	}
}

// unknownIn returns the error hiding a file's documents; nil: the documents are known.
func (p planning) unknownIn(file string) *spec.Error {
	for _, broken := range p.set.BrokenFiles {
		// An unreadable directory stands for everything below.
		if broken != file && !strings.HasPrefix(file, broken+string(filepath.Separator)) {
			continue
		}
		for _, e := range p.set.Errors {
			if e.Pos.File == broken {
				return e
			}
		}
		return &spec.Error{Code: "unreadable", Message: "it cannot be read", Pos: spec.Position{File: broken}}
	}
	for _, e := range p.set.Errors {
		if e.Pos.File == file && e.Name == "" {
			return e
		}
	}
	return nil
}

// gone returns the previous filters without a spec, sorted by name.
func (p planning) gone(wanted *wishes) []*snapshot.Filter {
	var gone []*snapshot.Filter
	specs := wanted.filters[:wanted.specs]
	for _, before := range p.previous.All() {
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
