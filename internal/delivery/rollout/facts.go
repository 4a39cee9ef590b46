package rollout

import (
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/verdict"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Group has the subscribers of one Envoy version that can run the filter, as a rollout sees them.
type Group interface {
	Envoy() string  // the version; "": not known
	Size() int      // the number of subscribers
	Preferred() int // the number of subscribers that the canary policy names
	// Verdict is the verdict of the version on r; false: there is none.
	Verdict(r *snapshot.Revision) (verdict.Verdict, bool)
	// IsForetold says whether Envoys of the version do not get r, whatever their answer would be.
	IsForetold(r *snapshot.Revision) bool
	Canaries(r *snapshot.Revision) int // the number of canaries of r
	// Passed says whether there are canaries of r and all of them run r.
	Passed(r *snapshot.Revision) bool
	// AllRun says whether every subscriber runs r.
	AllRun(r *snapshot.Revision) bool
	// HasOther says whether there is a subscriber beside the nodes with those ids.
	HasOther(nodes map[string]int) bool
}

// View is a revision, and the groups of the filter.
type View struct {
	Revision *snapshot.Revision
	Stable   *snapshot.Revision // nil: none
	Groups   []Group            // sorted by version
}

// Facts are the facts about a filter that a decision needs.
type Facts struct {
	View
	Policy spec.Canary
	// WasStable says that the revision was stable before.
	WasStable bool
	Now       time.Time
}

// Takers are the groups that may get the revision. If no group may, none is the last group.
func (v *View) Takers() (takers []Group, none Group) {
	if len(v.Revision.Refusals) == 0 && !slices.ContainsFunc(v.Groups, v.isDoubtful) {
		return v.Groups, nil
	}
	for _, g := range v.Groups {
		if g.IsForetold(v.Revision) || refuses(g, v.Revision) && v.hasNothingToLose(g) {
			none = g
			continue
		}
		takers = append(takers, g)
	}
	if len(takers) > 0 {
		none = nil
	}
	return takers, none
}

func (v *View) isDoubtful(g Group) bool { return refuses(g, v.Revision) || g.IsForetold(v.Revision) }

// hasNothingToLose says whether the stable revision does not load on the group's version either. A
// refusal of the revision by these Envoys stops no other version.
func (v *View) hasNothingToLose(g Group) bool {
	return v.Stable != nil && v.Stable.ID != v.Revision.ID && (refuses(g, v.Stable) || g.IsForetold(v.Stable))
}

// IsUnmatched says whether the canary policy names Envoys and no Envoy of the groups is among them.
func (f *Facts) IsUnmatched(groups []Group) bool {
	if f.Policy.Selector == nil || len(groups) == 0 {
		return false
	}
	return !slices.ContainsFunc(groups, func(g Group) bool { return g.Preferred() > 0 })
}

func refuses(g Group, r *snapshot.Revision) bool {
	v, judged := g.Verdict(r)
	return judged && !v.Loads
}

func loads(g Group, r *snapshot.Revision) bool {
	v, judged := g.Verdict(r)
	return judged && v.Loads
}

func allLoad(groups []Group, r *snapshot.Revision) bool {
	return !slices.ContainsFunc(groups, func(g Group) bool { return !loads(g, r) })
}
