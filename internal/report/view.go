package report

import (
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/desired"
	"github.com/wasm-xds/wasm-xds/internal/fleet"
	"github.com/wasm-xds/wasm-xds/internal/record"
	"github.com/wasm-xds/wasm-xds/internal/tags"
	"github.com/wasm-xds/wasm-xds/internal/track"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// View is the state that answers are made of. Its owner changes the fields; the answers only read.
type View struct {
	Machine *delivery.Machine
	Specs   *track.Specs
	Tags    *tags.Table
	Fleet   *fleet.Envoys
	Plan    desired.Plan
	// Snapshot has the filters that the machine delivers. Published is the time since when, and
	// Began the start of the server.
	Snapshot         *snapshot.Snapshot
	Published, Began time.Time
	// Signatures returns the signatures by which a module was accepted; nil: nobody knows.
	Signatures func(snapshot.Module) []api.Signature
	// Record has the history of the filters; nil: it is not read yet.
	Record *record.Book
	// Looks are the newest looks at the health of rollouts.
	Looks Looks
	// FromState: Snapshot comes from the state of an earlier process, and not from the specs.
	FromState bool
}

// Revisions is delivery's history of a filter, with the revision that the spec describes. After a
// rollback, delivery forgets a revision that no Envoy had.
func Revisions(v *View, name string) []delivery.RevisionStatus {
	all := v.Machine.History(name)
	one := v.Specs.Get(name)
	if one == nil || one.Revision() == nil ||
		slices.ContainsFunc(all, func(s delivery.RevisionStatus) bool { return s.Revision.ID == one.Revision().ID }) {
		return all
	}
	return append(all, delivery.RevisionStatus{Revision: one.Revision(), Wish: delivery.Wish{SpecFile: one.Spec().File}})
}

// apiModule is a revision's module with its signatures.
func apiModule(v *View, r *snapshot.Revision) api.Module {
	m := moduleOf(v, r)
	shown := api.FromModule(m)
	if v.Signatures != nil {
		shown.Signatures = v.Signatures(m)
	}
	return shown
}

// moduleOf is a revision's module as its spec names the module now: a tag may have moved to
// another image with the same bytes.
func moduleOf(v *View, r *snapshot.Revision) snapshot.Module {
	if one := v.Specs.Get(r.Filter); one != nil && one.Revision() != nil && one.Revision().ID == r.ID {
		return one.Revision().Module
	}
	return r.Module
}
