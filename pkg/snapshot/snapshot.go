package snapshot

import (
	"cmp"
	"crypto/sha256"
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
	digests []byte    // one of digestSize for each of them
}

const digestSize = sha256.Size

// New makes a snapshot of filters whose names are distinct.
func New(filters []*Filter) *Snapshot { return (*Snapshot)(nil).With(filters) }

// With is [New] for filters most of which s has, too: those cost next to nothing, as
// they are not looked into where they stand in the order of their names.
func (s *Snapshot) With(filters []*Filter) *Snapshot {
	next := &Snapshot{all: slices.Clone(filters), digests: make([]byte, 0, digestSize*len(filters))}
	if !next.digest(s) {
		slices.SortFunc(next.all, compareNames)
		next.digest(s)
	}
	version := sha256.Sum256(next.digests)
	next.version = hex.EncodeToString(version[:6])
	return next
}

// digest makes the digests, with those of before where the filter is the same. It stops
// and says so where the filters are not sorted.
func (s *Snapshot) digest(former *Snapshot) (sorted bool) {
	before, known := former.All(), 0 // how many of before have been passed
	s.digests = s.digests[:0]
	for i, f := range s.all {
		follows := i > 0 && known > 0 && s.all[i-1] == before[known-1] // as it did before
		if known == len(before) || before[known] != f {
			if follows = false; i > 0 && s.all[i-1].Name > f.Name {
				return false
			}
			for known < len(before) && before[known].Name < f.Name {
				known++
			}
		}
		if known == len(before) || before[known] != f {
			s.digests = f.appendDigest(s.digests)
			continue
		}
		if !follows && i > 0 && s.all[i-1].Name > f.Name {
			return false
		}
		s.digests = append(s.digests, former.digests[known*digestSize:(known+1)*digestSize]...)
		known++
	}
	return true
}

func compareNames(a, b *Filter) int { return cmp.Compare(a.Name, b.Name) }

// appendDigest appends what covers all that decides about delivery, and not where a
// spec lies: moving a file makes no new snapshot.
func (f *Filter) appendDigest(digests []byte) []byte {
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
	sum := sha256.Sum256(text)
	return append(digests, sum[:]...)
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
