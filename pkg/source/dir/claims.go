package dir

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// claim is a document with a name. An invalid document also claims its name, so no other
// document with the name is used instead.
type claim struct {
	name string
	pos  spec.Position
	spec *spec.Spec // nil: the document has errors
	file *file
}

// claimsOf returns the claims of all files, sorted. It begins with the former order, so little
// is left to sort if most files have not changed.
func claimsOf(files []*file) []claim {
	claims := make([]claim, 0, len(files)+len(files)/8)
	for _, f := range inFormerOrder(files) {
		claims = appendClaims(claims, f)
	}
	slices.SortFunc(claims, func(a, b claim) int {
		if a.name != b.name {
			return cmp.Compare(a.name, b.name)
		}
		return comparePositions(a.pos, b.pos)
	})
	for i := len(claims) - 1; i >= 0; i-- {
		claims[i].file.place = i + 1 // the loop runs backwards, so the first claim wins
	}
	return claims
}

// inFormerOrder sorts the files by their former first claims, with new files at the end.
func inFormerOrder(files []*file) []*file {
	var last int
	for _, f := range files {
		last = max(last, f.place)
	}
	places := make([]*file, last+1, last+1+len(files)/8)
	for _, f := range files {
		if f.place > 0 && places[f.place] == nil {
			places[f.place] = f
		} else {
			places = append(places, f)
		}
	}
	return slices.DeleteFunc(places, func(f *file) bool { return f == nil })
}

// appendClaims adds the claims of a file.
func appendClaims(claims []claim, f *file) []claim {
	for _, s := range f.specs {
		claims = append(claims, claim{s.Name, spec.Position{File: s.File, Line: s.Line}, s, f})
	}
	if len(f.errs) == 0 {
		return claims
	}
	faulty := map[string]struct{}{}
	for _, e := range f.errs {
		if _, ok := faulty[e.Name]; ok || e.Name == "" {
			continue
		}
		faulty[e.Name] = struct{}{}
		claims = append(claims, claim{e.Name, e.Pos, nil, f})
	}
	return claims
}

// unique returns the valid documents with unique names. The claims must be sorted.
func unique(claims []claim) ([]*spec.Spec, []*spec.Error) {
	specs := make([]*spec.Spec, 0, len(claims))
	var errs []*spec.Error
	for len(claims) > 0 {
		first := claims[0]
		n := 1
		for n < len(claims) && claims[n].name == first.name {
			errs = append(errs, &spec.Error{
				Code:    CodeDuplicateName,
				Message: fmt.Sprintf("the name %q is taken already, at %s", first.name, first.pos),
				Hint:    "give one of them another name, or delete it; until then neither is taken",
				Name:    first.name,
				Pos:     claims[n].pos,
			})
			n++
		}
		if n == 1 && first.spec != nil {
			specs = append(specs, first.spec)
		}
		claims = claims[n:]
	}
	return specs, errs
}
