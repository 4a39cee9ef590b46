package delivery

// unknown counts the subscribers without a spec for their name. Such names come from the network
// alone, and each costs the machine some kilobytes. Names with a spec are not bounded.
type unknown struct {
	total int
	limit int // Config.UnknownNames
}

// count adds n to the counts if the subscriber's name has no spec.
func (x *unknown) count(u *sub, n int) {
	if u.f.wanted == nil {
		u.s.countUnknown(n)
		x.total += n
	}
}

// countAll is count for each subscriber of a filter.
func (x *unknown) countAll(f *filter, n int) {
	for _, u := range f.subs {
		x.count(u, n)
	}
}

// isOver says whether there are more such subscribers than the limit.
func (x *unknown) isOver() bool { return x.total > x.limit }
