package snapshot

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Filter is what is wanted of one filter now. It is immutable.
type Filter struct {
	Name string    `json:"name"`
	Type spec.Type `json:"type"`
	// Revision is the newest content; nil when nothing could ever be made of the spec.
	Revision *Revision          `json:"revision,omitempty"`
	Policy   spec.FailurePolicy `json:"policy"`
	Delivery spec.Delivery      `json:"delivery"`
	Nodes    spec.NodeSelector  `json:"nodes"`
	Canary   spec.Canary        `json:"canary"`
	OnRemove spec.OnRemove      `json:"onRemove"`
	Disabled bool               `json:"disabled,omitempty"`
	// Removed says that the spec is gone; OnRemove says what follows.
	Removed bool `json:"removed,omitempty"`
	// Preparing says that the first module is still on its way; Revision is nil then.
	Preparing bool   `json:"preparing,omitempty"`
	SpecFile  string `json:"specFile"`
}

// Snapshot is an immutable set of filters, by name. The zero value is empty.
type Snapshot struct {
	version string
	all     []*Filter // sorted by name
	sum     sum       // of all
}

// New makes a snapshot of filters whose names are distinct.
func New(filters []*Filter) *Snapshot { return (*Snapshot)(nil).With(filters) }

// With is [New] for filters most of which s has, too: those cost next to nothing, as
// they are not looked into where they stand in the order of their names.
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

// sumUp makes the sum out of the former one and of what has changed since. It stops and
// says so where the filters are not sorted.
func (s *Snapshot) sumUp(former *Snapshot) (sorted bool) {
	var before []*Filter // of former, what is not passed yet
	s.sum = sum{}
	if former != nil {
		before, s.sum = former.all, former.sum
	}
	passed := (*Filter)(nil) // of former, the last
	pass := func() { passed, before = before[0], before[1:] }
	for i, f := range s.all {
		same := len(before) > 0 && before[0] == f
		follows := i == 0 || same && s.all[i-1] == passed // as it did before
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

// sum is the sum of filters' digests, each of its words for itself. It does not depend on their
// order, and one that comes or goes is all that has to be looked at. It tells contents
// apart that nobody has made to be mistaken for one another: so does a version, of 12 digits.
type sum [sha256.Size / 8]uint64

func (s *sum) add(f *Filter) {
	digest := f.digest()
	for i := range s {
		s[i] += binary.BigEndian.Uint64(digest[8*i:])
	}
}

func (s *sum) take(f *Filter) {
	digest := f.digest()
	for i := range s {
		s[i] -= binary.BigEndian.Uint64(digest[8*i:])
	}
}

func (s *sum) version() string {
	words := make([]byte, 0, sha256.Size)
	for _, word := range s {
		words = binary.BigEndian.AppendUint64(words, word)
	}
	version := sha256.Sum256(words)
	return hex.EncodeToString(version[:6])
}

func compareNames(a, b *Filter) int { return cmp.Compare(a.Name, b.Name) }

// digest covers all that decides about delivery, and not where a spec lies: moving a
// file makes no new snapshot.
func (f *Filter) digest() [sha256.Size]byte {
	line := struct {
		Filter
		Revision string `json:"revision"`
		SpecFile string `json:"specFile,omitempty"`
	}{Filter: *f, Revision: f.revisionID()}
	line.Filter.Revision = nil
	text, err := json.Marshal(line)
	if err != nil {
		// A struct of strings, numbers and booleans always marshals.
		panic("snapshot: " + err.Error())
	}
	return sha256.Sum256(text)
}

// Version is 12 hex digits that are equal for equal contents.
func (s *Snapshot) Version() string {
	if s == nil || s.version == "" {
		return New(nil).version
	}
	return s.version
}

// Get returns the filter of that name, or nil.
func (s *Snapshot) Get(name string) *Filter {
	all := s.All()
	i, ok := slices.BinarySearchFunc(all, name, func(f *Filter, name string) int { return cmp.Compare(f.Name, name) })
	if !ok {
		return nil
	}
	return all[i]
}

// Len is the number of filters.
func (s *Snapshot) Len() int { return len(s.All()) }

// All returns the filters sorted by name. The slice is the snapshot's own: it must
// not be changed.
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

// Diff returns the sorted names of the filters that are not the same in both.
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

// Equal says whether the two filters want the same.
func (f *Filter) Equal(o *Filter) bool {
	if f == o {
		return true
	}
	return f.Name == o.Name && f.Type == o.Type && f.revisionID() == o.revisionID() && f.Policy == o.Policy &&
		f.Delivery == o.Delivery && f.OnRemove == o.OnRemove && f.Disabled == o.Disabled && f.Removed == o.Removed && f.Preparing == o.Preparing &&
		f.SpecFile == o.SpecFile && equalRefusals(f.Revision, o.Revision) && equalSelector(f.Nodes, o.Nodes) && equalCanary(f.Canary, o.Canary)
}

func (f *Filter) revisionID() string {
	if f.Revision == nil {
		return ""
	}
	return f.Revision.ID
}

func equalSelector(a, b spec.NodeSelector) bool {
	return slices.Equal(a.IDs, b.IDs) && slices.Equal(a.Clusters, b.Clusters) && maps.Equal(a.Metadata, b.Metadata)
}

func equalCanary(a, b spec.Canary) bool {
	if a.Count != b.Count || a.Percent != b.Percent || (a.Selector == nil) != (b.Selector == nil) {
		return false
	}
	return a.Selector == nil || equalSelector(*a.Selector, *b.Selector)
}
