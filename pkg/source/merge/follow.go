package merge

import (
	"maps"

	"github.com/wasm-xds/wasm-xds/pkg/source"
)

// follow returns the same set as [Sets], faster. last is the set before a change of one part, and
// before is the former set of the part. References may have thousands of files, so follow changes
// only the paths that differ, and names them in the set's Differs.
func follow(last source.Set, parts []Part, part int, before *source.Set) source.Set {
	if last.References == nil {
		return Sets(parts)
	}
	out := documents(parts)
	if out.Unavailable != nil {
		return out
	}
	paths := differing(before, parts[part].Set)
	if len(paths) == 0 {
		out.References, out.Differs = last.References, last.Differs
		return out
	}
	out.References = maps.Clone(last.References)
	out.Differs = &source.Difference{From: last.References, Paths: paths}
	for _, path := range paths {
		if seen, ok := reference(parts, path); ok {
			out.References[path] = seen
		} else {
			delete(out.References, path)
		}
	}
	return out
}

// differing returns the paths for which the References of two sets differ.
func differing(before, now *source.Set) []string {
	was, is := known(before), known(now)
	switch {
	case source.SameReferences(was, is):
		return nil
	case is != nil && now.Differs != nil && source.SameReferences(now.Differs.From, was):
		return now.Differs.Paths
	}
	var paths []string
	for path, seen := range is {
		if old, ok := was[path]; !ok || old != seen {
			paths = append(paths, path)
		}
	}
	for path := range was {
		if _, ok := is[path]; !ok {
			paths = append(paths, path)
		}
	}
	return paths
}
