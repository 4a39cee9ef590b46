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
	filters map[string]*Filter
}

// New makes a snapshot of filters whose names are distinct.
func New(filters []*Filter) *Snapshot {
	s := &Snapshot{filters: make(map[string]*Filter, len(filters))}
	for _, f := range filters {
		s.filters[f.Name] = f
	}
	s.version = s.hash()
	return s
}

// hash covers what decides about delivery, and not where a spec lies: moving a
// file makes no new snapshot.
func (s *Snapshot) hash() string {
	h := sha256.New()
	enc := json.NewEncoder(h)
	for _, f := range s.All() {
		line := struct {
			Filter
			Revision string `json:"revision"`
			SpecFile string `json:"specFile,omitempty"`
		}{Filter: *f}
		if f.Revision != nil {
			line.Revision = f.Revision.ID
		}
		line.Filter.Revision = nil
		if err := enc.Encode(line); err != nil {
			// A struct of strings, numbers and booleans always encodes, and a hash takes every write.
			panic("snapshot: " + err.Error())
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:6])
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
	if s == nil {
		return nil
	}
	return s.filters[name]
}

// Len is the number of filters.
func (s *Snapshot) Len() int {
	if s == nil {
		return 0
	}
	return len(s.filters)
}

// All returns the filters sorted by name.
func (s *Snapshot) All() []*Filter {
	if s == nil {
		return nil
	}
	return slices.SortedFunc(maps.Values(s.filters), func(a, b *Filter) int { return cmp.Compare(a.Name, b.Name) })
}

// Names returns the filters' names, sorted.
func (s *Snapshot) Names() []string {
	if s == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(s.filters))
}

// Diff returns the sorted names of the filters that are not the same in both.
func Diff(before, after *Snapshot) []string {
	var names []string
	for name, f := range filtersOf(after) {
		if old := before.Get(name); old == nil || !old.Equal(f) {
			names = append(names, name)
		}
	}
	for name := range filtersOf(before) {
		if after.Get(name) == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func filtersOf(s *Snapshot) map[string]*Filter {
	if s == nil {
		return nil
	}
	return s.filters
}

// Equal says whether the two filters want the same.
func (f *Filter) Equal(o *Filter) bool {
	if f == o {
		return true
	}
	return f.Name == o.Name && f.Type == o.Type && f.revisionID() == o.revisionID() && f.Policy == o.Policy &&
		f.Delivery == o.Delivery && f.OnRemove == o.OnRemove && f.Disabled == o.Disabled && f.Removed == o.Removed && f.Preparing == o.Preparing &&
		f.SpecFile == o.SpecFile && equalSelector(f.Nodes, o.Nodes) && equalCanary(f.Canary, o.Canary)
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
