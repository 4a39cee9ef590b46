package dir

import "slices"

// dirty is the work of the next look.
type dirty struct {
	all     bool
	entries map[entryKey]struct{}
	refs    map[string]struct{} // paths of references
	gone    map[string]struct{} // watched directories that may have been replaced
	lost    bool                // events were lost, so no watch is reliable
	found   *findings           // of a rescan; if they still apply, the look covers everything
}

// entryKey is a name in a directory of specs.
type entryKey struct {
	node *node
	name string
}

// unseen reports whether a finding of a rescan is neither covered by a look since the rescan began
// nor already part of d. want and seen are the present interest and fingerprints.
func (d *dirty) unseen(found *findings, want *interest, seen map[string]string) bool {
	return slices.ContainsFunc(found.files, func(one seenFile) bool { return one.unseen(want) }) ||
		slices.ContainsFunc(found.refs, func(ref seenRef) bool {
			_, due := d.refs[ref.path]
			return !due && seen[ref.path] == ref.known
		})
}

func put[K comparable](m *map[K]struct{}, k K) {
	if *m == nil {
		*m = map[K]struct{}{}
	}
	(*m)[k] = struct{}{}
}
