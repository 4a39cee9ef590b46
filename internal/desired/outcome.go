package desired

import (
	"cmp"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Outcome is the present knowledge about a valid spec: the success of its reads, and the findings
// of the sandbox.
type Outcome struct {
	// Revision is the revision of the spec; nil: not known yet, or may not be served.
	Revision *snapshot.Revision
	// Filter is the wanted filter with Revision; nil: not made yet.
	Filter   *snapshot.Filter
	Err      *spec.Error
	Warnings []*spec.Error // of the sandbox
	Pending  bool          // there is neither a filter nor an error yet
	Checking bool          // the sandbox has the spec
	Fresh    bool          // the check is younger than the queue's time between publications
	Refused  string        // the revision that the sandbox refused; "": none
}

// Unfinished is a spec without a filter yet, an error, or warnings.
type Unfinished struct {
	Spec *spec.Spec
	Outcome
}

// NewFilter makes a spec's wanted filter. delivery is for a spec without a delivery.
func NewFilter(s *spec.Spec, revision *snapshot.Revision, delivery spec.Delivery) *snapshot.Filter {
	return &snapshot.Filter{
		Name: s.Name, Type: s.Type, Revision: revision, Policy: s.Policy, Delivery: cmp.Or(s.Delivery, delivery),
		Nodes: s.Nodes, Canary: s.Canary, Rollout: s.Rollout, OnRemove: s.OnRemove, AcceptLoss: s.AcceptLoss, Disabled: s.Disabled, SpecFile: s.File,
	}
}

// ErrorOf returns a copy of an error for a spec. Several specs may share a reference, and lines
// move while a reference stays the same.
func ErrorOf(s *spec.Spec, e *spec.Error, at spec.Position) *spec.Error {
	own := *e
	own.Name, own.Pos = s.Name, at
	return &own
}

// ModulePosition is the place at which a spec names its module.
func ModulePosition(s *spec.Spec) spec.Position {
	if s.Module.File != nil {
		return s.Module.File.Pos
	}
	return s.Module.Pos
}
