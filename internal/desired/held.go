package desired

import (
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// split splits the filters without a spec into removed and held ones. An unmounted volume, a
// wrong checkout and `rm *` look the same. Therefore, if all specs of a source disappear at once,
// and there were at least two, their filters are held. wanted are the wanted filters so far.
// See docs/RATIONALE.md#why-does-the-server-not-believe-that-all-specs-are-gone-at-once.
func split(gone []*snapshot.Filter, of roots, specs []*spec.Spec, wanted []*snapshot.Filter) (removed, held []*snapshot.Filter) {
	if len(gone) < 2 {
		return gone, nil
	}
	counts, living := map[string]int{}, map[string]bool{}
	for _, f := range gone {
		counts[of.of(f.SpecFile)]++
	}
	for root, n := range counts {
		living[root] = n < 2 || of.anyLeft(root, specs, wanted)
	}
	for _, f := range gone {
		if living[of.of(f.SpecFile)] || servesNothing(f) {
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

// roots are the roots of the sources; nil: there is a single source.
type roots []string

// of returns the root of the source that has the file. It is "" with a single source, and for a
// file of a source that is not configured any more.
func (r roots) of(file string) string {
	for _, root := range r {
		if strings.HasPrefix(file, root+"/") {
			return root
		}
	}
	return ""
}

// anyLeft says whether the source still has any spec; root "" stands for all sources.
func (r roots) anyLeft(root string, specs []*spec.Spec, wanted []*snapshot.Filter) bool {
	in := func(file string) bool { return root == "" || r.of(file) == root }
	return slices.ContainsFunc(specs, func(s *spec.Spec) bool { return in(s.File) }) ||
		slices.ContainsFunc(wanted, func(f *snapshot.Filter) bool { return !f.Removed && in(f.SpecFile) })
}

// suffix names the source of a file in an error if there are several sources.
func (r roots) suffix(file string) string {
	if root := r.of(file); root != "" {
		return " of " + root
	}
	return ""
}
