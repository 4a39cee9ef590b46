package delivery

import (
	"cmp"
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/unsettled"
	"github.com/wasm-xds/wasm-xds/internal/delivery/verdict"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// historyLength is how many revisions a filter remembers beside the stable revision.
const historyLength = 10

// newestKept is how many of them are kept however short they served, and refusedLength is how many
// refused revisions are remembered beside them.
const (
	newestKept    = historyLength / 2
	refusedLength = 5
)

// Memory is the state that must outlive the process. It marshals to JSON.
type Memory struct {
	Seq      uint64          `json:"seq"` // rises with every memory taken
	Filters  []FilterMemory  `json:"filters"`
	Verdicts []VerdictRecord `json:"verdicts"`
	// Unsettled is kept in files of its own, see [PersistUnsettled].
	Unsettled Unsettled `json:"-"`
}

// Unsettled is the small part of the memory that is written before an unproven revision is sent. It
// has the nodes that get the revision, and their filters at that moment: the whole memory may be
// written later, or never if the process is killed. A filter stays, without nodes, until the whole
// memory is written with the answers of the nodes.
type Unsettled struct {
	Seq     uint64                     `json:"seq"`
	Filters map[string]UnsettledFilter `json:"filters"`
}

// UnsettledFilter is a filter with unsettled nodes.
type UnsettledFilter struct {
	// Nodes are the ids of the unsettled nodes, each with the unproven revision sent to it last;
	// "": not known.
	Nodes map[string]string `json:"nodes"`
	// Envoys are the nodes' Envoy versions, by node id. Older files have none.
	Envoys   map[string]string `json:"envoys,omitempty"`
	Filter   FilterMemory      `json:"filter"`
	Verdicts []VerdictRecord   `json:"verdicts,omitempty"` // on the filter's revisions
}

// FilterMemory is the memory of one name.
type FilterMemory struct {
	Name   string           `json:"name"`
	Wanted *snapshot.Filter `json:"wanted,omitempty"` // nil: no spec has this name; not written any more
	// Stable is the revision all Envoys get; nil: no rollout was ever completed.
	Stable *snapshot.Revision `json:"stable,omitempty"`
	// StableSince is when Stable became stable; zero: not known, as in older files.
	StableSince time.Time `json:"stableSince,omitzero"`
	// Refused are revisions Envoys refused, the newest first, for the history alone.
	Refused []*snapshot.Revision `json:"refused,omitempty"`
	// Older were stable before, or may run on some Envoy, the newest first.
	Older []*snapshot.Revision `json:"older,omitempty"`
	// Wishes say when the revisions became wanted. Some may be missing: older files have none.
	Wishes []Wish `json:"wishes,omitempty"`
	// IdleSince is since when no stream asks for a removed filter; zero: a stream asks, or the
	// filter is not removed.
	IdleSince time.Time `json:"idleSince,omitzero"`
	// Type is not written any more: the type Envoys were found to expect of a name without a spec.
	Type spec.Type `json:"type,omitempty"`
	// Promoted is the revision promoted by hand, without canaries; "": none.
	Promoted string `json:"promoted,omitempty"`
}

// VerdictRecord is the verdict on one revision and one Envoy version.
type VerdictRecord struct {
	Revision string `json:"revision"`
	Envoy    string `json:"envoy"`
	Loads    bool   `json:"loads"`
	Message  string `json:"message,omitempty"`
}

// Memory returns the state from which a later [New] goes on, tidy.
func (m *Machine) Memory() Memory {
	mem := m.Untidy()
	mem.Tidy()
	return mem
}

// Untidy is Memory before [Memory.Tidy], which another goroutine can call. The filters are sorted.
func (m *Machine) Untidy() Memory {
	unsettled := m.Unsettled()
	mem := Memory{
		Seq: unsettled.Seq, Unsettled: unsettled,
		Filters: make([]FilterMemory, 0, len(m.filters)), Verdicts: make([]VerdictRecord, 0, m.verdicts.Len()),
	}
	for _, f := range m.inOrder() {
		if f.wanted != nil {
			mem.Filters = append(mem.Filters, f.memory())
		}
	}
	for key, v := range m.verdicts.All() {
		mem.Verdicts = append(mem.Verdicts, verdictRecord(key, v))
	}
	return mem
}

// Tidy sorts the verdicts and drops verdicts on revisions not in the memory.
func (mem *Memory) Tidy() {
	judged := make(map[string]bool, len(mem.Verdicts)) // by revision: whether the memory has it
	for _, v := range mem.Verdicts {
		judged[v.Revision] = false
	}
	note := func(r *snapshot.Revision) {
		if _, ok := judged[r.ID]; ok {
			judged[r.ID] = true
		}
	}
	for _, f := range mem.Filters {
		if f.Wanted != nil && f.Wanted.Revision != nil {
			note(f.Wanted.Revision)
		}
		if f.Stable != nil {
			note(f.Stable)
		}
		for _, r := range f.Older {
			note(r)
		}
		for _, r := range f.Refused {
			note(r)
		}
	}
	mem.Verdicts = slices.DeleteFunc(mem.Verdicts, func(v VerdictRecord) bool { return !judged[v.Revision] })
	slices.SortFunc(mem.Verdicts, func(a, b VerdictRecord) int {
		return cmp.Or(cmp.Compare(a.Revision, b.Revision), cmp.Compare(a.Envoy, b.Envoy))
	})
}

func (f *filter) memory() FilterMemory {
	return FilterMemory{
		Name: f.name, Wanted: f.wanted, Stable: f.stable, Older: slices.Clone(f.older), Wishes: f.wishes, IdleSince: f.idleSince, Promoted: f.promoted,
		StableSince: f.stableSince, Refused: f.refused,
	}
}

// Unsettled returns the unsettled part of the [Memory].
func (m *Machine) Unsettled() Unsettled {
	all := Unsettled{Seq: m.record.NextSeq(), Filters: map[string]UnsettledFilter{}}
	for name, nodes := range m.record.Filters() {
		f := m.filters[name]
		u := UnsettledFilter{
			Nodes: map[string]string{}, Envoys: map[string]string{}, Filter: f.memory(), Verdicts: m.verdictsOn(f),
		}
		for id, node := range nodes.Recorded() {
			u.Nodes[id], u.Envoys[id] = node.Revision, node.Envoy
		}
		all.Filters[name] = u
	}
	return all
}

// verdictsOn are the verdicts on the filter's revisions.
func (m *Machine) verdictsOn(f *filter) (all []VerdictRecord) {
	for _, r := range f.revisions() {
		for key, v := range m.verdicts.On(r.ID) {
			all = append(all, verdictRecord(key, v))
		}
	}
	return all
}

func verdictRecord(k verdict.Key, v verdict.Verdict) VerdictRecord {
	return VerdictRecord{Revision: k.Revision, Envoy: k.Envoy, Loads: v.Loads, Message: v.Message}
}

// Saved says that the memory with this [Memory.Seq] survives a crash. [Machine.Unsettled] then
// leaves out filters if all of their nodes had answered before.
func (m *Machine) Saved(seq uint64) {
	m.record.Saved(seq)
}

func (m *Machine) restore(mem Memory) {
	for _, fm := range mem.Filters {
		if fm.Wanted != nil {
			m.filter(fm.Name).restore(fm)
		}
	}
	for _, v := range mem.Verdicts {
		m.restoreVerdict(v)
	}
	for name, u := range mem.Unsettled.Filters {
		newer := mem.Unsettled.Seq > mem.Seq && u.Filter.Wanted != nil
		if !newer && m.filters[name] == nil {
			continue // no spec has the name
		}
		f := m.filter(name)
		for id, revision := range u.Nodes {
			f.unsettled.Restore(id, unsettled.Node{Revision: revision, Envoy: u.Envoys[id]})
		}
		m.record.Add(name, f.unsettled)
		if newer {
			f.restore(u.Filter)
			for _, v := range u.Verdicts {
				m.restoreVerdict(v)
			}
		}
	}
}

func (m *Machine) restoreVerdict(v VerdictRecord) {
	m.verdicts.Restore(verdict.Key{Revision: v.Revision, Envoy: v.Envoy}, verdict.Verdict{Loads: v.Loads, Message: v.Message}, m.now)
}

func (f *filter) restore(fm FilterMemory) {
	f.wanted, f.stable, f.older, f.wishes, f.idleSince = fm.Wanted, fm.Stable, fm.Older, fm.Wishes, fm.IdleSince
	f.refused, f.stableSince = fm.Refused, fm.StableSince
	if f.stable != nil && f.stableSince.IsZero() {
		f.stableSince = f.wish(f.stable.ID).At // the best time known
	}
	f.promoted = fm.Promoted
}

// Revisions are all revisions that may still be served. Modules that none of them names can be
// collected.
func (m *Machine) Revisions() []*snapshot.Revision {
	var all []*snapshot.Revision
	for _, f := range m.filters {
		all = append(all, f.revisions()...)
	}
	return all
}
