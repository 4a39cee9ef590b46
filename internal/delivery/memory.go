package delivery

import (
	"cmp"
	"maps"
	"slices"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// historyLength is how many revisions a filter remembers beside the served one.
const historyLength = 10

// Memory is what must outlive the process. It marshals to JSON.
type Memory struct {
	Filters  []FilterMemory  `json:"filters"`
	Verdicts []VerdictRecord `json:"verdicts"`
	// Unsettled is kept apart, see [PersistUnsettled].
	Unsettled Unsettled `json:"-"`
}

// Unsettled are, by filter, the node ids that may have stored bytes they refused,
// with the unproven revision that was sent to them last; "": it is not known which.
type Unsettled map[string]map[string]string

// FilterMemory is what is remembered of one name.
type FilterMemory struct {
	Name   string           `json:"name"`
	Wanted *snapshot.Filter `json:"wanted,omitempty"` // nil: no spec ever had this name
	// Stable is the revision that all Envoys get; nil: none was ever rolled out.
	Stable *snapshot.Revision `json:"stable,omitempty"`
	// Older were stable before, the newest first.
	Older []*snapshot.Revision `json:"older,omitempty"`
	// Type is what Envoys were found to expect of a name that no spec has.
	Type spec.Type `json:"type,omitempty"`
}

// VerdictRecord is what Envoys of one version made of one revision.
type VerdictRecord struct {
	Revision string `json:"revision"`
	Envoy    string `json:"envoy"`
	Loads    bool   `json:"loads"`
	Message  string `json:"message,omitempty"`
}

// Memory returns what a later [New] needs to go on where this machine is, tidy.
func (m *Machine) Memory() Memory {
	mem := m.Untidy()
	mem.Tidy()
	return mem
}

// Untidy is Memory before [Memory.Tidy], which takes longer than all else and can
// be done by another goroutine.
func (m *Machine) Untidy() Memory {
	mem := Memory{
		Filters: make([]FilterMemory, 0, len(m.filters)), Verdicts: make([]VerdictRecord, 0, len(m.verdicts)),
		Unsettled: m.Unsettled(),
	}
	for name, f := range m.filters {
		if f.wanted == nil && f.typeHint == "" {
			continue
		}
		mem.Filters = append(mem.Filters, FilterMemory{
			Name: name, Wanted: f.wanted, Stable: f.stable, Older: slices.Clone(f.older),
			Type: f.typeHint,
		})
	}
	for key, v := range m.verdicts {
		mem.Verdicts = append(mem.Verdicts, VerdictRecord{
			Revision: key.revision, Envoy: key.envoy, Loads: v.loads, Message: v.message,
		})
	}
	return mem
}

// Tidy sorts the memory and drops the verdicts on revisions that are not in it.
func (mem *Memory) Tidy() {
	known := make(map[string]struct{}, len(mem.Filters))
	for _, f := range mem.Filters {
		for _, r := range (&filter{wanted: f.Wanted, stable: f.Stable, older: f.Older}).revisions() {
			known[r.ID] = struct{}{}
		}
	}
	mem.Verdicts = slices.DeleteFunc(mem.Verdicts, func(v VerdictRecord) bool { _, ok := known[v.Revision]; return !ok })
	slices.SortFunc(mem.Filters, func(a, b FilterMemory) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(mem.Verdicts, func(a, b VerdictRecord) int {
		return cmp.Or(cmp.Compare(a.Revision, b.Revision), cmp.Compare(a.Envoy, b.Envoy))
	})
}

// Unsettled returns that part of the [Memory].
func (m *Machine) Unsettled() Unsettled {
	all := Unsettled{}
	for f := range m.unsettled {
		if len(f.unsettled) == 0 {
			delete(m.unsettled, f)
			continue
		}
		all[f.name] = maps.Clone(f.unsettled)
	}
	return all
}

func (m *Machine) restore(mem Memory) {
	for _, fm := range mem.Filters {
		f := m.filter(fm.Name)
		f.wanted, f.stable, f.older, f.typeHint = fm.Wanted, fm.Stable, fm.Older, fm.Type
		f.since = m.now
	}
	for name, nodes := range mem.Unsettled {
		f := m.filter(name)
		maps.Copy(f.unsettled, nodes)
		m.unsettled[f] = struct{}{}
	}
	for _, v := range mem.Verdicts {
		m.versions[v.Envoy] = struct{}{}
		m.verdicts[verdictKey{v.Revision, v.Envoy}] = verdict{loads: v.Loads, message: v.Message}
	}
}

// Revisions are all revisions that may still be served; what none of them names
// can be collected.
func (m *Machine) Revisions() []*snapshot.Revision {
	var all []*snapshot.Revision
	for _, f := range m.filters {
		all = append(all, f.revisions()...)
	}
	return all
}
