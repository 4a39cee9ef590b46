package dir

import (
	"cmp"
	"maps"
	"reflect"
	"slices"

	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

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
