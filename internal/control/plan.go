package control

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// outcome is what became of resolving one spec.
type outcome struct {
	revision *snapshot.Revision
	err      *spec.Error
	pending  bool // neither yet
}

// Pin is a rollback: Revision is served for as long as the spec describes Instead.
type Pin struct {
	Revision *snapshot.Revision `json:"revision"`
	Instead  string             `json:"instead"`
}

// planning is everything that decides what is wanted.
type planning struct {
	previous   map[string]*snapshot.Filter
	set        source.Set
	resolve    func(*spec.Spec) outcome
	pins       map[string]Pin
	delivery   spec.Delivery // for specs that name none
	allowEmpty bool
}

// plan is what is wanted, and what is wrong.
type plan struct {
	filters  []*snapshot.Filter
	problems map[string]*spec.Error // by filter
	pins     map[string]Pin         // those that still hold
	held     *spec.Error            // every spec went at once: nothing was changed
}

// makePlan is pure: the same planning gives the same plan.
func makePlan(p planning) plan {
	out := plan{problems: map[string]*spec.Error{}, pins: map[string]Pin{}}
	wanted := map[string]*snapshot.Filter{}
	for _, s := range p.set.Specs {
		wanted[s.Name] = p.filterOf(s, &out)
	}
	p.addBroken(wanted, &out)
	gone := p.gone(wanted)
	if len(gone) > 1 && !anyLeft(wanted) && !p.allowEmpty {
		out.held = &spec.Error{
			Code:    "all_specs_removed",
			Message: fmt.Sprintf("all %d specs went at once: held, what was served is served on", len(gone)),
			Hint:    "put a spec back, or start with --allow-empty to have them removed",
		}
		out.filters, out.pins = slices.Collect(maps.Values(p.previous)), p.pins
		return out
	}
	for _, name := range gone {
		removed := *p.previous[name]
		removed.Removed = true
		wanted[name] = &removed
	}
	out.filters = slices.Collect(maps.Values(wanted))
	return out
}

// filterOf is what a valid spec wants: itself if it could be resolved, else what
// it wanted before.
func (p planning) filterOf(s *spec.Spec, out *plan) *snapshot.Filter {
	got := p.resolve(s)
	before := p.previous[s.Name]
	if got.err != nil {
		out.problems[s.Name] = got.err
	}
	if got.revision == nil && before != nil && before.Revision != nil {
		kept := *before
		// The switch must work also while the module cannot be had.
		kept.Removed, kept.Disabled, kept.SpecFile = false, s.Disabled, s.File
		if pin, ok := p.pins[s.Name]; ok {
			out.pins[s.Name] = pin
		}
		return &kept
	}
	f := &snapshot.Filter{
		Name: s.Name, Type: s.Type, Revision: got.revision, Policy: s.Policy, Delivery: s.Delivery,
		Nodes: s.Nodes, Canary: s.Canary, OnRemove: s.OnRemove, Disabled: s.Disabled,
		Preparing: got.pending, SpecFile: s.File,
	}
	if f.Delivery == "" {
		f.Delivery = p.delivery
	}
	if pin, ok := p.pins[s.Name]; ok && got.revision != nil && pin.Instead == got.revision.ID {
		out.pins[s.Name] = pin
		f.Revision = pin.Revision
	}
	return f
}

// addBroken keeps what documents with errors described before, and adds what they
// describe now and never could be served.
func (p planning) addBroken(wanted map[string]*snapshot.Filter, out *plan) {
	for _, e := range p.set.Errors {
		name := e.Name
		if name == "" || wanted[name] != nil {
			if name != "" && out.problems[name] == nil {
				out.problems[name] = e
			}
			continue
		}
		out.problems[name] = e
		if before := p.previous[name]; before != nil {
			p.keep(before, wanted, out)
			continue
		}
		wanted[name] = &snapshot.Filter{
			Name: name, Type: spec.HTTP, Policy: spec.Closed, Delivery: p.delivery, OnRemove: spec.Keep, SpecFile: e.Pos.File,
		}
	}
	// A document without a name, or a file that is no YAML: whatever came from there is unknown.
	for _, name := range slices.Sorted(maps.Keys(p.previous)) {
		before := p.previous[name]
		if wanted[name] != nil {
			continue
		}
		if before.Removed {
			wanted[name] = before
			continue
		}
		if e := p.unknownIn(before.SpecFile); e != nil {
			p.keep(before, wanted, out)
			out.problems[name] = e
		}
	}
}

func (p planning) keep(before *snapshot.Filter, wanted map[string]*snapshot.Filter, out *plan) {
	kept := *before
	kept.Removed = false
	wanted[before.Name] = &kept
	if pin, ok := p.pins[before.Name]; ok {
		out.pins[before.Name] = pin
	}
}

// unknownIn is the error that makes a file's documents unknown; nil: they are known.
func (p planning) unknownIn(file string) *spec.Error {
	for _, broken := range p.set.BrokenFiles {
		// A directory that cannot be read stands for everything below it.
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

// gone are the names whose specs were there before and are not any more, sorted.
func (p planning) gone(wanted map[string]*snapshot.Filter) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(p.previous)) {
		if wanted[name] == nil {
			names = append(names, name)
		}
	}
	return names
}

// anyLeft says whether there is any spec still.
func anyLeft(wanted map[string]*snapshot.Filter) bool {
	for _, f := range wanted {
		if !f.Removed {
			return true
		}
	}
	return false
}
