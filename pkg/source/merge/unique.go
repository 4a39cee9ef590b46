package merge

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// holder has the remaining documents of a source during the merge. faulty are the errors of names
// without a valid document in the source.
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

// claim is a document with a name. An invalid document also claims its name, so no other
// source's document is used instead.
type claim struct {
	pos  spec.Position
	spec *spec.Spec // nil: the document has errors
}

// first returns the first remaining name.
func (h *holder) first() (name string, ok bool) {
	if len(h.specs) > 0 {
		name, ok = h.specs[0].Name, true
	}
	if len(h.faulty) > 0 && (!ok || h.faulty[0].Name < name) {
		name, ok = h.faulty[0].Name, true
	}
	return name, ok
}

// take removes the documents with this name and returns the first claim. No remaining name may be
// earlier.
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

// unique returns the valid documents with names that no other source claims. All lists are sorted,
// and usually one source has a long run of names before the next name of another source.
// See docs/RATIONALE.md#why-does-a-name-in-two-sources-count-in-neither.
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

// least returns the holder of the first remaining name, the name, and the next name of all other
// holders. first or next is nil if there is none.
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

// before returns the documents before next, the next name of another holder, and before the next
// invalid document. A nil next means no other holder has names left.
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

// find returns the index of a name among the documents, or the place where it would be.
func (h *holder) find(name string) (int, bool) {
	return slices.BinarySearchFunc(h.specs, name, func(s *spec.Spec, name string) int { return strings.Compare(s.Name, name) })
}

// take removes all documents with the first name. It returns the first claim, and an error for each
// other source with a claim.
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
