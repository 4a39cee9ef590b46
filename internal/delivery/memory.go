package delivery

import (
	"cmp"
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
	"github.com/wasm-xds/wasm-xds/internal/ledger"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Memory is the state that must outlive the process. It marshals to JSON.
type Memory struct {
	Seq      uint64          `json:"seq"` // rises with every memory taken
	Filters  []FilterMemory  `json:"filters"`
	Verdicts []VerdictRecord `json:"verdicts"`
	// Freeze is the freeze of the server; nil: there is none.
	Freeze *rollout.Hold `json:"freeze,omitempty"`
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

// FilterMemory is the memory of a name.
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
	// Rollout is the rollout under way, or the watch after a promotion; nil: neither.
	Rollout *rollout.Record `json:"rollout,omitempty"`
	// Stops say which revisions stay refused, the newest first.
	Stops []rollout.Stop `json:"stops,omitempty"`
	// Record is the fleet's decision, as this replica heard of it last; nil: none, or no replicas.
	Record *ledger.Record `json:"record,omitempty"`
}

// VerdictRecord is the verdict on a revision and one Envoy version.
type VerdictRecord struct {
	Revision string `json:"revision"`
	Envoy    string `json:"envoy"`
	Loads    bool   `json:"loads"`
	Message  string `json:"message,omitempty"`
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
