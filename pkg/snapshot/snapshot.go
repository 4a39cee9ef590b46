package snapshot

import (
	"cmp"
	"slices"
)

// Snapshot is an immutable set of filters, by name. The zero value is empty.
type Snapshot struct {
	version string
	all     []*Filter // sorted by name
	sum     sum       // of all
}

// New makes a snapshot of filters with distinct names.
func New(filters []*Filter) *Snapshot { return (*Snapshot)(nil).With(filters) }

// With is like [New], but faster for filters in s. A filter of s in the same place of the order
// needs no new digest.
func (s *Snapshot) With(filters []*Filter) *Snapshot {
	if s != nil && s.version != "" && slices.Equal(s.all, filters) {
		return s
	}
	next := &Snapshot{all: slices.Clone(filters)}
	if !next.sumUp(s) {
		slices.SortFunc(next.all, compareNames)
		next.sumUp(s)
	}
	next.version = next.sum.version()
	return next
}

// sumUp computes the sum from the former sum and the changed filters. If the filters are not
// sorted, sumUp stops and returns false.
func (s *Snapshot) sumUp(former *Snapshot) (sorted bool) {
	var before []*Filter // the remaining filters of former
	s.sum = sum{}
	if former != nil {
		before, s.sum = former.all, former.sum
	}
	passed := (*Filter)(nil) // the last passed filter of former
	pass := func() { passed, before = before[0], before[1:] }
	for i, f := range s.all {
		same := len(before) > 0 && before[0] == f
		follows := i == 0 || same && s.all[i-1] == passed // the same order as in former
		if !follows && s.all[i-1].Name > f.Name {
			return false
		}
		for !same && len(before) > 0 && before[0].Name < f.Name {
			s.sum.take(before[0])
			pass()
			same = len(before) > 0 && before[0] == f
		}
		if same {
			pass()
			continue
		}
		s.sum.add(f)
	}
	for _, gone := range before {
		s.sum.take(gone)
	}
	return true
}

func compareNames(a, b *Filter) int { return cmp.Compare(a.Name, b.Name) }

// Version returns 12 hex digits. Equal contents have equal versions.
func (s *Snapshot) Version() string {
	if s == nil || s.version == "" {
		return New(nil).version
	}
	return s.version
}

// Get returns the filter with this name, or nil.
func (s *Snapshot) Get(name string) *Filter {
	all := s.All()
	i, ok := slices.BinarySearchFunc(all, name, func(f *Filter, name string) int { return cmp.Compare(f.Name, name) })
	if !ok {
		return nil
	}
	return all[i]
}

// Len returns the number of filters.
func (s *Snapshot) Len() int { return len(s.All()) }

// All returns the filters sorted by name. The slice belongs to the snapshot: callers must not
// change the slice.
func (s *Snapshot) All() []*Filter {
	if s == nil {
		return nil
	}
	return s.all
}

// Names returns the filters' names, sorted.
func (s *Snapshot) Names() []string {
	names := make([]string, 0, s.Len())
	for _, f := range s.All() {
		names = append(names, f.Name)
	}
	return names
}

// Diff returns the sorted names of the filters that differ between two snapshots.
func Diff(before, after *Snapshot) []string {
	if before == after {
		return nil
	}
	var names []string
	old, now := before.All(), after.All()
	for len(old) > 0 || len(now) > 0 {
		switch {
		case len(old) > 0 && len(now) > 0 && old[0] == now[0]:
			old, now = old[1:], now[1:]
		case len(old) > 0 && len(now) > 0 && old[0].Name == now[0].Name:
			if !old[0].Equal(now[0]) {
				names = append(names, now[0].Name)
			}
			old, now = old[1:], now[1:]
		case len(now) == 0 || len(old) > 0 && old[0].Name < now[0].Name:
			names = append(names, old[0].Name)
			old = old[1:]
		default:
			names = append(names, now[0].Name)
			now = now[1:]
		}
	}
	return names
}
