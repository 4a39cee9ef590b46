// Package eject turns the filters of a server into files from which an Envoy runs without a control
// plane. The package is pure: the caller reads the state and the modules, and writes the files.
//
//   - plan.go decides which revision of each filter goes into the files, and notes the rest:
//     [FromMemory] takes the state of a server, and [FromFilters] takes specs.
//   - files.go makes the files of a [Plan].
package eject

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/builtin"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Code names the kind of a note.
type Code string

// The codes. Later versions may add more.
const (
	CodeRollout  Code = "rollout"  // a newer revision, or the way of new revisions to the Envoys
	CodeNodes    Code = "nodes"    // the selection of Envoys
	CodeDisabled Code = "disabled" // the filter passes requests, and is left out
	CodeRemoved  Code = "removed"  // the same, because its spec is gone
	CodeStandIn  Code = "stand_in" // a stand-in denies requests, because no revision can be served
	CodeUnproven Code = "unproven" // no Envoy has run the revision yet
	CodeVersions Code = "versions" // the revision does not load, or loses a setting, on some Envoys
	CodeHostEnv  Code = "host_env" // Envoy's environment must have variables
	CodeRollback Code = "rollback" // a rollback is served, and not the content of the spec
)

// Note names a part of a filter that is not in the files, or a need of Envoy beside them.
type Note struct {
	Filter  string `json:"filter"`
	Code    Code   `json:"code"`
	Message string `json:"message"`
}

// Plan has the revisions for the files, in the order of the filters in Envoy. Each filter has one
// revision.
type Plan struct {
	Revisions []*snapshot.Revision
	Notes     []Note
}

// FromMemory returns the plan for the state of a server: the revisions for Envoys that connect now.
// During a rollout, the plan has the stable revision.
func FromMemory(m delivery.Memory) Plan {
	var p Plan
	for _, f := range m.Filters {
		if f.Wanted != nil { // else no spec has the name
			p.add(f)
		}
	}
	p.sort()
	return p
}

// Differs names the first filter for which a state and the answer of a server differ; "": there is
// none, so the state is the one of that server, and has its last change.
func Differs(m delivery.Memory, filters []api.Filter) string {
	saved := map[string]delivery.FilterMemory{}
	for _, f := range m.Filters {
		saved[f.Name] = f
	}
	for _, f := range filters {
		s := saved[f.Name]
		if f.Stable != idOf(s.Stable) || !has(s, f) {
			return f.Name
		}
		delete(saved, f.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(saved)) {
		if saved[name].Stable != nil {
			return name
		}
	}
	return ""
}

// IsPreparing says whether a server prepares the first revision of a filter. Files that are written
// now would lack the filter.
func IsPreparing(filters []api.Filter) bool {
	return slices.ContainsFunc(filters, func(f api.Filter) bool { return f.State == api.FilterPreparing })
}

// has says whether a state has the revision that a server serves. Stand-ins are in no state.
func has(s delivery.FilterMemory, f api.Filter) bool {
	w := s.Wanted
	return f.Revision == "" || f.Disabled || f.State == api.FilterRemoved || f.Revision == idOf(s.Stable) || w != nil && f.Revision == idOf(w.Revision)
}

func idOf(r *snapshot.Revision) string {
	if r == nil {
		return ""
	}
	return r.ID
}

// FromFilters returns the plan for specs that no server has.
func FromFilters(filters []*snapshot.Filter) Plan {
	var p Plan
	for _, f := range filters {
		if f.Disabled {
			p.note(f.Name, CodeDisabled, "its spec has disabled: true, so no request passes through it")
			continue
		}
		p.take(f, f.Revision)
	}
	p.sort()
	return p
}

func (p *Plan) sort() {
	slices.SortFunc(p.Revisions, func(a, b *snapshot.Revision) int { return cmp.Compare(a.Filter, b.Filter) })
}

func (p *Plan) note(filter string, code Code, format string, a ...any) {
	p.Notes = append(p.Notes, Note{filter, code, fmt.Sprintf(format, a...)})
}

// add decides about a filter as delivery does for an Envoy without the filter.
func (p *Plan) add(f delivery.FilterMemory) {
	w := f.Wanted
	switch {
	case w.Removed && w.OnRemove == spec.Deny:
		p.note(f.Name, CodeStandIn, "its spec is gone with onRemove: deny, so a stand-in denies requests")
		p.Revisions = append(p.Revisions, builtin.Deny(f.Name, w.Type, "is denied: its spec was removed", ""))
	case w.Removed && w.OnRemove == spec.Passthrough:
		p.note(f.Name, CodeRemoved, "its spec is gone with onRemove: passthrough, so no request passes through it")
	case w.Disabled:
		p.note(f.Name, CodeDisabled, "its spec has disabled: true, so no request passes through it")
	case f.Stable != nil:
		p.noteCandidate(f)
		p.take(w, f.Stable)
	case w.Revision != nil && stopOf(f, w.Revision.ID) == "":
		p.note(f.Name, CodeUnproven, "no Envoy has run revision %s yet", w.Revision.ID)
		p.take(w, w.Revision)
	default:
		p.byPolicy(f)
	}
}

// byPolicy takes the place of a filter without a revision that loads.
func (p *Plan) byPolicy(f delivery.FilterMemory) {
	why := "there is no revision that loads"
	if r := f.Wanted.Revision; r != nil {
		why = "revision " + r.ID + " is refused: " + stopOf(f, r.ID)
	}
	if f.Wanted.Type == spec.Service {
		p.note(f.Name, CodeRemoved, "%s; the bootstrap is without this service", why)
		return
	}
	if f.Wanted.Policy == spec.Open {
		p.note(f.Name, CodeRemoved, "%s; its failurePolicy is open, so no request passes through it", why)
		return
	}
	p.note(f.Name, CodeStandIn, "%s; a stand-in denies requests", why)
	p.Revisions = append(p.Revisions, builtin.Deny(f.Name, f.Wanted.Type, "is not served: no revision of it loads", ""))
}

// noteCandidate tells of a wanted revision that is not the stable one.
func (p *Plan) noteCandidate(f delivery.FilterMemory) {
	w := f.Wanted.Revision
	switch {
	case w == nil:
		p.note(f.Name, CodeRollout, "its spec has an error; revision %s, which Envoys run, is ejected", f.Stable.ID)
	case w.ID == f.Stable.ID:
	case stopOf(f, w.ID) != "":
		p.note(f.Name, CodeRollout, "revision %s is left out, because its rollout has stopped: %s; revision %s is ejected", w.ID, stopOf(f, w.ID), f.Stable.ID)
	default:
		p.note(f.Name, CodeRollout, "the rollout of revision %s is left out; revision %s, the stable one, is ejected", w.ID, f.Stable.ID)
	}
}

// stopOf says why the rollout of a revision has stopped; "": it has not.
func stopOf(f delivery.FilterMemory, revision string) string {
	for _, s := range f.Stops {
		if s.Revision == revision {
			return cmp.Or(s.Reason, string(s.Why))
		}
	}
	return ""
}

// take adds a revision, with notes about the settings that only a control plane can obey.
func (p *Plan) take(f *snapshot.Filter, r *snapshot.Revision) {
	p.Revisions = append(p.Revisions, r)
	if !f.Nodes.Empty() {
		p.note(f.Name, CodeNodes, "nodes is left out: each Envoy that reads the files gets the filter")
	}
	if f.Canary != (spec.Canary{}) && f.Canary != (spec.Canary{Count: 1}) || len(f.Rollout.Steps) > 0 || f.Rollout.Soak > 0 || f.Rollout.Pause || f.Rollout.Health != nil {
		p.note(f.Name, CodeRollout, "rollout is left out: a changed file is at once live on each Envoy that reads it")
	}
	if f.RolledBack {
		p.note(f.Name, CodeRollback, "revision %s is served by a rollback; its spec describes another revision", r.ID)
	}
	if len(r.VM.HostEnv) > 0 {
		p.note(f.Name, CodeHostEnv, "Envoy's environment must have %s", strings.Join(r.VM.HostEnv, ", "))
	}
	for _, one := range r.Refusals {
		p.note(f.Name, CodeVersions, "it does not load on Envoy %s: %s", strings.Join(one.Versions, ", "), one.Message)
	}
}
