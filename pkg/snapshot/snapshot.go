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

// Filter is a filter with its wanted revision. It is immutable.
type Filter struct {
	Name string    `json:"name"`
	Type spec.Type `json:"type"`
	// Revision is the newest content. It is nil if the spec never resulted in a revision.
	Revision *Revision          `json:"revision,omitempty"`
	Policy   spec.FailurePolicy `json:"policy"`
	Delivery spec.Delivery      `json:"delivery"`
	Nodes    spec.NodeSelector  `json:"nodes"`
	Canary   spec.Canary        `json:"canary"`
	OnRemove spec.OnRemove      `json:"onRemove"`
	// AcceptLoss names the settings that may be without effect on Envoys that are too old for them.
	// The list is sorted.
	AcceptLoss []spec.Setting `json:"acceptLoss,omitempty"`
	Disabled   bool           `json:"disabled,omitempty"`
	// Removed says that the spec is gone. OnRemove then decides about delivery.
	Removed bool `json:"removed,omitempty"`
	// Preparing says that the first module is not ready yet. Revision is nil then.
	Preparing bool   `json:"preparing,omitempty"`
	SpecFile  string `json:"specFile"`
}

// Snapshot is an immutable set of filters, by name. The zero value is empty.
type Snapshot struct {
	version string
	all     []*Filter // sorted by name
	sum     sum       // of all
}

// New makes a snapshot of filters with distinct names.
func New(filters []*Filter) *Snapshot { return (*Snapshot)(nil).With(filters) }

// With is like [New], but faster for filters that s contains already. Such a filter needs no new
// digest if its place in the order of names is unchanged.
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

// sum is the sum of the filters' digests, word by word. The order of the filters does not matter,
// and an added or removed filter needs only its own digest. The sum resists accidental collisions,
// but not deliberate ones. The same holds for a version of 12 digits.
// See docs/RATIONALE.md#why-is-a-snapshots-version-made-from-a-sum-of-hashes.
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

// digest covers everything that determines delivery. The spec's file is not included, so moving a
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
		// Structs of strings, numbers and booleans always marshal.
		panic("snapshot: " + err.Error())
	}
	return sha256.Sum256(text)
}

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

// Equal reports whether all fields are equal. Revisions are compared by their IDs and refusals.
func (f *Filter) Equal(o *Filter) bool {
	if f == o {
		return true
	}
	return f.Name == o.Name && f.Type == o.Type && f.revisionID() == o.revisionID() && f.Policy == o.Policy &&
		f.Delivery == o.Delivery && f.OnRemove == o.OnRemove && f.Disabled == o.Disabled && f.Removed == o.Removed && f.Preparing == o.Preparing &&
		f.SpecFile == o.SpecFile && equalRefusals(f.Revision, o.Revision) && slices.Equal(f.AcceptLoss, o.AcceptLoss) &&
		equalSelector(f.Nodes, o.Nodes) && equalCanary(f.Canary, o.Canary)
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
