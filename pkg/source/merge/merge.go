// Package merge makes one source of several.
package merge

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Part is what one of several sources says.
type Part struct {
	// Root begins the File of each of the source's specs, followed by a slash.
	Root string
	Set  *source.Set // nil: it has said nothing yet
}

// The codes of this package's errors.
const (
	CodeDuplicateName = "duplicate_name"  // two sources have a spec of that name
	CodeNotRead       = "source_not_read" // the source has said nothing yet
)

// Sets is what several sources say together. It is pure.
//
// A name that two sources have is taken from neither: an error names both places,
// and what was served by that name before is served on. Of a source that cannot
// be read, everything is unknown and nothing is gone, as with a
// [source.Set.BrokenFiles] directory; only where none can be read, the whole is unavailable.
func Sets(parts []Part) source.Set {
	out := documents(parts)
	if out.Unavailable == nil {
		out.References = references(parts)
	}
	return out
}

// documents is the set that the parts make, but for its References.
func documents(parts []Part) source.Set {
	var out source.Set
	var holders []holder
	for _, p := range parts {
		out.Roots = append(out.Roots, p.Root)
		e := p.unknown()
		out.Parts = append(out.Parts, p.describe(e))
		if e != nil {
			out.BrokenFiles = append(out.BrokenFiles, p.Root)
			out.Errors = append(out.Errors, e)
			out.Degraded = cmp.Or(out.Degraded, e)
			continue
		}
		out.Errors = append(out.Errors, p.Set.Errors...)
		out.BrokenFiles = append(out.BrokenFiles, p.Set.BrokenFiles...)
		out.Degraded = cmp.Or(out.Degraded, p.Set.Degraded)
		holders = append(holders, holderOf(p.Set))
	}
	if len(holders) == 0 && len(parts) > 0 {
		return source.Set{Unavailable: out.Degraded, Parts: out.Parts}
	}
	specs, errs := unique(holders)
	out.Specs, out.Errors = specs, append(out.Errors, errs...)
	slices.SortStableFunc(out.Errors, func(a, b *spec.Error) int { return comparePositions(a.Pos, b.Pos) })
	slices.Sort(out.BrokenFiles)
	return out
}

// unknown is why nothing is known of the part; nil: it is.
func (p Part) unknown() *spec.Error {
	switch {
	case p.Set == nil:
		return &spec.Error{
			Code: CodeNotRead, Message: p.Root + " is still being read for the first time",
			Hint: "what was served of it before is served on", Pos: spec.Position{File: p.Root},
		}
	case p.Set.Unavailable != nil:
		e := *p.Set.Unavailable
		e.Pos = spec.Position{File: p.Root} // where BrokenFiles' error is looked for
		return &e
	default:
		return nil
	}
}

// describe is how the part is; unknown is why nothing is known of it, or nil.
func (p Part) describe(unknown *spec.Error) source.Part {
	if unknown != nil {
		return source.Part{Root: p.Root, Unavailable: unknown}
	}
	return source.Part{Root: p.Root, Specs: len(p.Set.Specs), Errors: len(p.Set.Errors), Degraded: p.Set.Degraded}
}

// holder is what one source has, less and less of it: its documents, and of those with
// errors the ones that have a name which no valid one has.
type holder struct {
	specs  []*spec.Spec  // by name
	faulty []*spec.Error // by name and position
}

func holderOf(set *source.Set) holder {
	h := holder{specs: set.Specs}
	for _, e := range set.Errors {
		if _, valid := h.find(e.Name); !valid && e.Name != "" {
			h.faulty = append(h.faulty, e)
		}
	}
	slices.SortStableFunc(h.faulty, func(a, b *spec.Error) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), comparePositions(a.Pos, b.Pos))
	})
	return h
}

// claim is a document that has a name: a valid one, or one with errors, in whose
// place another source's must not be taken either.
type claim struct {
	pos  spec.Position
	spec *spec.Spec // nil: the document has errors
}

// first is the first name of those that are left.
func (h *holder) first() (name string, ok bool) {
	if len(h.specs) > 0 {
		name, ok = h.specs[0].Name, true
	}
	if len(h.faulty) > 0 && (!ok || h.faulty[0].Name < name) {
		name, ok = h.faulty[0].Name, true
	}
	return name, ok
}

// take takes all that has this name, which is no later than the first, and gives the first of it.
func (h *holder) take(name string) (first claim, some bool) {
	if len(h.specs) > 0 && h.specs[0].Name == name {
		s := h.specs[0]
		h.specs = h.specs[1:]
		return claim{spec.Position{File: s.File, Line: s.Line}, s}, true
	}
	for len(h.faulty) > 0 && h.faulty[0].Name == name {
		if !some {
			first.pos, some = h.faulty[0].Pos, true
		}
		h.faulty = h.faulty[1:]
	}
	return first, some
}

// unique takes the valid documents whose name no other source claims. All lists are
// sorted, and mostly long runs of one come before the next name of another.
func unique(holders []holder) ([]*spec.Spec, []*spec.Error) {
	total := 0
	for _, h := range holders {
		total += len(h.specs)
	}
	specs := make([]*spec.Spec, 0, total)
	var errs []*spec.Error
	for {
		first, name, next := least(holders)
		if first == nil {
			return specs, errs
		}
		if run := first.before(next); len(run) > 0 {
			specs = append(specs, run...)
			first.specs = first.specs[len(run):]
			continue
		}
		one, shared := take(holders, name)
		if errs = append(errs, shared...); len(shared) == 0 && one.spec != nil {
			specs = append(specs, one.spec)
		}
	}
}

// least finds the holder of the first name that is left, and the first name of all others;
// nil: there is none.
func least(holders []holder) (first *holder, name string, next *string) {
	for i := range holders {
		switch n, ok := holders[i].first(); {
		case !ok:
		case first == nil:
			first, name = &holders[i], n
		case n < name:
			first, name, next = &holders[i], n, new(name)
		case next == nil || n < *next:
			next = new(n)
		}
	}
	return first, name, next
}

// before are the documents before the next name of another holder (nil: there is none)
// and of one with errors.
func (h *holder) before(next *string) []*spec.Spec {
	if len(h.faulty) > 0 && (next == nil || h.faulty[0].Name < *next) {
		next = &h.faulty[0].Name
	}
	if next == nil {
		return h.specs
	}
	end, _ := h.find(*next)
	return h.specs[:end]
}

// find finds where a name is among the documents, or would be.
func (h *holder) find(name string) (int, bool) {
	return slices.BinarySearchFunc(h.specs, name, func(s *spec.Spec, name string) int { return strings.Compare(s.Name, name) })
}

// take takes all that has the first name: its first claim, and an error for each other
// source that claims it.
func take(holders []holder, name string) (first claim, shared []*spec.Error) {
	claimed := false
	for i := range holders {
		switch one, some := holders[i].take(name); {
		case !some:
		case !claimed:
			first, claimed = one, true
		default:
			shared = append(shared, &spec.Error{
				Code: CodeDuplicateName, Name: name, Pos: one.pos,
				Message: fmt.Sprintf("the name %q is taken already, at %s", name, first.pos),
				Hint:    "give one of them another name, or take it out of one of the sources; until then neither is taken",
			})
		}
	}
	return first, shared
}

func comparePositions(a, b spec.Position) int {
	return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
}
