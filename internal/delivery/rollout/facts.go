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
	// IsForetold says whether Envoys of the version do not get r, whatever they would answer.
	IsForetold(r *snapshot.Revision) bool
	Canaries(r *snapshot.Revision) int // the number of canaries of r
	// Passed says whether there are canaries of r and all of them run r.
	Passed(r *snapshot.Revision) bool
	// AllRun says whether every subscriber runs r.
	AllRun(r *snapshot.Revision) bool
	// HasOther says whether there is a subscriber beside the nodes with those ids.
	HasOther(nodes map[string]int) bool
}

// Facts are the facts about a filter that a decision needs.
type Facts struct {
	Revision *snapshot.Revision // the revision that rolls out
	Stable   *snapshot.Revision // nil: none
	Groups   []Group            // sorted by version
	Policy   spec.Canary
	// WasStable says that the revision was stable before.
	WasStable bool
	Now       time.Time
}

// Takers are the groups that the revision is for. none is a group that it is not for, if it is for
// no group.
func (f Facts) Takers() (takers []Group, none Group) {
	if len(f.Revision.Refusals) == 0 && !slices.ContainsFunc(f.Groups, f.isDoubtful) {
		return f.Groups, nil
	}
	for _, g := range f.Groups {
		if g.IsForetold(f.Revision) || refuses(g, f.Revision) && f.hasNothingToLose(g) {
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

func (f *Facts) isDoubtful(g Group) bool { return refuses(g, f.Revision) || g.IsForetold(f.Revision) }

// hasNothingToLose says whether the stable revision does not load on the group's version either. A
// refusal of the revision by such Envoys then stops nobody else.
func (f *Facts) hasNothingToLose(g Group) bool {
	return f.Stable != nil && f.Stable.ID != f.Revision.ID && (refuses(g, f.Stable) || g.IsForetold(f.Stable))
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
