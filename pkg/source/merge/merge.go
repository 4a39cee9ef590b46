// Package merge makes one source of several.
package merge

import (
	"cmp"
	"fmt"
	"maps"
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
	var out source.Set
	var claims []claim
	unavailable := 0
	for i, p := range parts {
		out.Roots = append(out.Roots, p.Root)
		if e := p.unknown(); e != nil {
			unavailable++
			out.BrokenFiles = append(out.BrokenFiles, p.Root)
			out.Errors = append(out.Errors, e)
			out.Degraded = cmp.Or(out.Degraded, e)
			continue
		}
		out.Errors = append(out.Errors, p.Set.Errors...)
		out.BrokenFiles = append(out.BrokenFiles, p.Set.BrokenFiles...)
		out.Degraded = cmp.Or(out.Degraded, p.Set.Degraded)
		if out.References == nil {
			out.References = map[string]string{}
		}
		maps.Copy(out.References, p.Set.References)
		claims = append(claims, claimsOf(i, p.Set)...)
	}
	if unavailable == len(parts) && unavailable > 0 {
		return source.Set{Unavailable: out.Degraded}
	}
	specs, errs := unique(claims)
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

// claim is a document that has a name: a valid one, or one with errors, in whose
// place another source's must not be taken either.
type claim struct {
	name string
	part int
	pos  spec.Position
	spec *spec.Spec // nil: the document has errors
}

func claimsOf(part int, set *source.Set) []claim {
	claims := make([]claim, 0, len(set.Specs))
	valid := make(map[string]struct{}, len(set.Specs))
	for _, s := range set.Specs {
		valid[s.Name] = struct{}{}
		claims = append(claims, claim{s.Name, part, spec.Position{File: s.File, Line: s.Line}, s})
	}
	for _, e := range set.Errors {
		if _, ok := valid[e.Name]; !ok && e.Name != "" {
			claims = append(claims, claim{e.Name, part, e.Pos, nil})
		}
	}
	return claims
}

// unique takes the valid documents whose name no other source claims.
func unique(claims []claim) ([]*spec.Spec, []*spec.Error) {
	slices.SortStableFunc(claims, func(a, b claim) int {
		return cmp.Or(strings.Compare(a.name, b.name), cmp.Compare(a.part, b.part), comparePositions(a.pos, b.pos))
	})
	var specs []*spec.Spec
	var errs []*spec.Error
	for len(claims) > 0 {
		first := claims[0]
		n := 1
		shared := false
		for n < len(claims) && claims[n].name == first.name {
			if other := claims[n]; other.part != claims[n-1].part {
				shared = true
				errs = append(errs, &spec.Error{
					Code: CodeDuplicateName, Name: first.name, Pos: other.pos,
					Message: fmt.Sprintf("the name %q is taken already, at %s", first.name, first.pos),
					Hint:    "give one of them another name, or take it out of one of the sources; until then neither is taken",
				})
			}
			n++
		}
		if !shared && first.spec != nil {
			specs = append(specs, first.spec)
		}
		claims = claims[n:]
	}
	return specs, errs
}

func comparePositions(a, b spec.Position) int {
	return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
}
