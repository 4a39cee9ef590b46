// Package merge combines several sources into one source.
//
// part.go and unique.go combine the sets of all sources, and merge.go makes one set of them. The
// functions there are pure. follow.go does the same faster after the change of a source, and
// source.go is the [Source].
package merge

import (
	"cmp"
	"slices"

	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Sets combines the sets of several sources. It is a pure function.
//
// If two sources have the same name, neither document is used: an error names both places, and the
// former spec of this name stays in use. The specs of an unreadable source are unknown, not gone,
// as with a directory in [source.Set.BrokenFiles]. The combined set is unavailable only if no
// source can be read.
func Sets(parts []Part) source.Set {
	out := documents(parts)
	if out.Unavailable == nil {
		out.References = references(parts)
	}
	return out
}

// documents returns the combined set without References.
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
