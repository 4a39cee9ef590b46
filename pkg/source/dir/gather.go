package dir

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// documents is the combined content of all spec files.
type documents struct {
	specs  []*spec.Spec  // sorted by name, each name once
	errs   []*spec.Error // sorted by position
	broken []string      // sorted
}

// edit is the change of a file with valid documents that keep their names.
type edit struct{ before, now []*spec.Spec }

// apply updates the documents after edits, with the same result as gather. If that is impossible,
// apply changes nothing and returns false.
func (d *documents) apply(edits []edit) bool {
	specs := slices.Clone(d.specs) // the former slice is part of a set
	for _, e := range edits {
		for j, s := range e.now {
			i, found := slices.BinarySearchFunc(specs, s.Name, func(s *spec.Spec, name string) int { return cmp.Compare(s.Name, name) })
			if !found || specs[i] != e.before[j] {
				return false // another document claims the name, too
			}
			specs[i] = s
		}
	}
	d.specs = specs
	return true
}

// gather combines the files of a tree.
func gather(root *node) documents {
	var d documents
	var files []*file
	root.each(func(f *file) {
		if f.err != nil {
			d.errs = append(d.errs, f.err)
			d.broken = append(d.broken, f.shown)
			return
		}
		if f.broken {
			d.broken = append(d.broken, f.shown)
		}
		d.errs = append(d.errs, f.errs...)
		files = append(files, f)
	}, func(n *node) {
		d.errs = append(d.errs, n.err)
		d.broken = append(d.broken, n.shown)
		n.eachFile(func(f *file) { d.broken = append(d.broken, f.shown) })
	})
	specs, errs := unique(claimsOf(files))
	d.specs, d.errs = specs, append(d.errs, errs...)
	slices.SortStableFunc(d.errs, compareErrors)
	slices.Sort(d.broken)
	return d
}

// each calls visit for each file below n. For a directory that cannot be read, each calls lost and
// skips the files.
func (n *node) each(visit func(*file), lost func(*node)) {
	if n.err != nil {
		lost(n)
		return
	}
	for _, f := range n.files {
		visit(f)
	}
	for _, sub := range n.dirs {
		sub.each(visit, lost)
	}
}

// eachFile calls visit for each known file below n, even in unreadable directories.
func (n *node) eachFile(visit func(*file)) {
	for _, f := range n.files {
		visit(f)
	}
	for _, sub := range n.dirs {
		sub.eachFile(visit)
	}
}

// count returns the numbers of spec files and directories, including n.
func (n *node) count() (files, dirs int) {
	files, dirs = len(n.files), 1
	for _, sub := range n.dirs {
		f, d := sub.count()
		files, dirs = files+f, dirs+d
	}
	return files, dirs
}

// claim is a document with a name. An invalid document also claims its name, so that no other
// document with the name is used instead.
type claim struct {
	name string
	pos  spec.Position
	spec *spec.Spec // nil: the document has errors
	file *file
}

// claimsOf returns the claims of all files, sorted. It begins with the former order, so that little
// is left to sort if most files have not changed.
func claimsOf(files []*file) []claim {
	claims := make([]claim, 0, len(files)+len(files)/8)
	for _, f := range inFormerOrder(files) {
		claims = f.appendClaims(claims)
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

func (f *file) appendClaims(claims []claim) []claim {
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

func comparePositions(a, b spec.Position) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
}

func compareErrors(a, b *spec.Error) int {
	return cmp.Or(comparePositions(a.Pos, b.Pos),
		cmp.Compare(a.Code, b.Code), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Message, b.Message))
}

// equal compares two sets by content. The comparison is fast for sets with shared documents, as is
// usual for consecutive sets.
func equal(a, b source.Set) bool {
	return equalError(a.Unavailable, b.Unavailable) &&
		equalError(a.Degraded, b.Degraded) &&
		slices.Equal(a.BrokenFiles, b.BrokenFiles) &&
		(source.SameReferences(a.References, b.References) || maps.Equal(a.References, b.References)) &&
		slices.EqualFunc(a.Errors, b.Errors, equalError) &&
		slices.EqualFunc(a.Specs, b.Specs, func(x, y *spec.Spec) bool { return x == y || reflect.DeepEqual(x, y) })
}

func equalError(a, b *spec.Error) bool {
	return a == b || (a != nil && b != nil && *a == *b)
}
