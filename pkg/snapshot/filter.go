package snapshot

import (
	"crypto/sha256"
	"encoding/json"
	"maps"
	"slices"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Filter is a filter with its wanted revision. Immutable.
type Filter struct {
	Name string    `json:"name"`
	Type spec.Type `json:"type"`
	// Revision is the newest content; nil: the spec never resulted in a revision.
	Revision *Revision          `json:"revision,omitempty"`
	Policy   spec.FailurePolicy `json:"policy"`
	Delivery spec.Delivery      `json:"delivery"`
	Nodes    spec.NodeSelector  `json:"nodes"`
	Canary   spec.Canary        `json:"canary"`
	OnRemove spec.OnRemove      `json:"onRemove"`
	// Rollout says how a new revision goes from the canaries to all Envoys.
	Rollout spec.Rollout `json:"rollout,omitzero"`
	// RolledBack says that Revision is served by a rollback, in place of the revision that the spec
	// describes.
	RolledBack bool `json:"rolledBack,omitempty"`
	// AcceptLoss names the settings that may be without effect on older Envoys.
	// The list is sorted.
	AcceptLoss []spec.Setting `json:"acceptLoss,omitempty"`
	Disabled   bool           `json:"disabled,omitempty"`
	// Removed says the spec is gone. OnRemove then decides about delivery.
	Removed bool `json:"removed,omitempty"`
	// Preparing says the first module is not ready yet. Revision is nil then.
	Preparing bool   `json:"preparing,omitempty"`
	SpecFile  string `json:"specFile"`
}

// digest covers everything that delivery depends on. The spec's file is not included, so moving a
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

// Equal reports whether all fields are equal. Revisions are compared by their IDs and refusals.
func (f *Filter) Equal(o *Filter) bool {
	if f == o {
		return true
	}
	return f.Name == o.Name && f.Type == o.Type && f.revisionID() == o.revisionID() && f.Policy == o.Policy &&
		f.Delivery == o.Delivery && f.OnRemove == o.OnRemove && f.Disabled == o.Disabled && f.Removed == o.Removed && f.Preparing == o.Preparing &&
		f.SpecFile == o.SpecFile && sameRefusals(f.Revision, o.Revision) && slices.Equal(f.AcceptLoss, o.AcceptLoss) &&
		equalSelector(f.Nodes, o.Nodes) && equalCanary(f.Canary, o.Canary) && f.Rollout.Equal(&o.Rollout) && f.RolledBack == o.RolledBack
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

// sameRefusals compares the refusals of two filters' revisions.
func sameRefusals(a, b *Revision) bool {
	return a == nil || b == nil || equalRefusals(a.Refusals, b.Refusals)
}
