package control

import (
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// believed splits the filters without a spec into removed and held ones. An unmounted volume, a
// wrong checkout and `rm *` look the same. Therefore, if all specs of a source disappear at once,
// and there were at least two, their filters are held.
// See docs/RATIONALE.md#why-does-the-server-not-believe-that-all-specs-are-gone-at-once.
func (p planning) believed(gone []*snapshot.Filter, wanted *wishes) (removed, held []*snapshot.Filter) {
	gone = slices.DeleteFunc(gone, func(f *snapshot.Filter) bool { return wanted.hasOther(f.Name) })
	if p.allowEmpty || len(gone) < 2 {
		return gone, nil
	}
	counts, living := map[string]int{}, map[string]bool{}
	for _, f := range gone {
		counts[p.rootOf(f.SpecFile)]++
	}
	for root, n := range counts {
		living[root] = n < 2 || p.anyLeft(root, wanted)
	}
	for _, f := range gone {
		if living[p.rootOf(f.SpecFile)] || servesNothing(f) {
			removed = append(removed, f)
		} else {
			held = append(held, f)
		}
	}
	return removed, held
}

// servesNothing says whether Envoys get no more of the filter than of a name without a spec.
// There is no reason to hold the filter.
func servesNothing(f *snapshot.Filter) bool {
	return f.Revision == nil && !f.Disabled && f.Policy == spec.Closed && !(f.Removed && f.OnRemove == spec.Passthrough)
}

// anyLeft says whether the source still has any spec; root "" stands for all sources.
func (p planning) anyLeft(root string, wanted *wishes) bool {
	in := func(file string) bool { return root == "" || p.rootOf(file) == root }
	return slices.ContainsFunc(p.set.Specs, func(s *spec.Spec) bool { return in(s.File) }) ||
		slices.ContainsFunc(wanted.filters, func(f *snapshot.Filter) bool { return !f.Removed && in(f.SpecFile) })
}

// rootOf returns the root of the source that has the file. It is "" with a single source, and for
// a file of a source that is not configured any more.
func (p planning) rootOf(file string) string {
	for _, root := range p.set.Roots {
		if strings.HasPrefix(file, root+"/") {
			return root
		}
	}
	return ""
}

// inRoot names the filter's source in an error if there are several sources.
func (p planning) inRoot(f *snapshot.Filter) string {
	if root := p.rootOf(f.SpecFile); root != "" {
		return " of " + root
	}
	return ""
}
