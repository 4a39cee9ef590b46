package dir

// startRescan prepares a rescan: a look at everything without any change of the tree. run may run
// in any goroutine, beside the goroutine of the view, and stops early when stop is closed. run
// works on a copy of the tree and returns the places at which the disk differs. So even a slow
// rescan does not delay an edit with an event.
// See docs/RATIONALE.md#why-does-a-rescan-change-nothing.
//
// from is the present directory, seen has the fingerprints of the referenced files, and since
// identifies the version of both.
func startRescan(c *settings, from root, seen map[string]string, since counts, stop <-chan struct{}) (run func() *findings) {
	found := &findings{since: since, stop: stop}
	tree := copyOf(from.tree)
	return func() *findings {
		from.tree, found.want = tree.node(nil), newInterest(len(seen))
		var differences changes
		by := newReader(c, found.want, nil, &differences)
		by.found = found
		if from.read(by) != nil || differences.any {
			found.differs = true
		}
		for path, known := range seen {
			if !found.goesOn() {
				break
			}
			found.compareRef(path, known, fingerprint(by.resolver, path))
		}
		return found
	}
}
