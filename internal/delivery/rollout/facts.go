package rollout

import (
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/verdict"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Group has the subscribers of an Envoy version that can run the filter, as a rollout sees them.
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
	// Rollout is the section rollout of the spec; nil: as the zero value.
	Rollout *spec.Rollout
	// WasStable says the revision was stable before.
	WasStable bool
	// RolledBack says a user has named the revision in a rollback.
	RolledBack bool
	// Frozen says the server is frozen.
	Frozen bool
	// Pause is how long an Envoy of the wave is awaited after its stream has ended.
	Pause time.Duration
	Now   time.Time
}

// IsBack says whether the revision is known to all Envoys: a rollback, or an edit back. No freeze
// holds it, and it needs no soak.
func (f *Facts) IsBack() bool { return f.WasStable || f.RolledBack }

// IsDirect says whether the revision goes to all Envoys as soon as the canaries run it, whatever
// the spec says about steps and soak. The first revision of a filter does: nothing is served
// meanwhile, and there is no revision to go back to.
func (f *Facts) IsDirect() bool { return f.IsBack() || f.Stable == nil }

// Lingers says whether a wave lasts longer than the answers of its Envoys.
func (f *Facts) Lingers() bool {
	r := f.Rollout
	return r != nil && !f.IsDirect() && (r.Soak > 0 || r.Pause || r.Health != nil || len(r.Steps) > 0)
}

// step is the step of a wave; nil: the wave is the canaries or all.
func (f *Facts) step(wave int) *spec.Step {
	if f.IsDirect() || f.Rollout == nil || wave < 1 || wave > len(f.Rollout.Steps) {
		return nil
	}
	return &f.Rollout.Steps[wave-1]
}

// isLast says whether the next wave is all Envoys.
func (f *Facts) isLast(wave int) bool {
	return f.IsDirect() || f.Rollout == nil || wave >= len(f.Rollout.Steps)
}

// soak is the soak of a wave.
func (f *Facts) soak(wave int) time.Duration {
	switch s := f.step(wave); {
	case f.IsDirect() || f.Rollout == nil:
		return 0
	case s != nil && s.Soak != nil:
		return *s.Soak
	default:
		return f.Rollout.Soak
	}
}

// Health is the health of a wave, as the spec has it; nil: nobody looks.
func (f *Facts) Health(wave int) *spec.Health {
	switch s := f.step(wave); {
	case f.IsDirect() || f.Rollout == nil:
		return nil
	case s != nil && s.Health != nil:
		return s.Health
	default:
		return f.Rollout.Health
	}
}

// deadline is how long a wave may take; 0: there is no deadline.
func (f *Facts) deadline(wave int) time.Duration {
	limit := spec.DefaultDeadline
	if f.Rollout != nil {
		limit = f.Rollout.WaveDeadline()
	}
	if limit == 0 {
		return 0
	}
	return limit + f.soak(wave)
}

// WaveName is the name of a wave: canary, the size of its step, or all.
func (f *Facts) WaveName(wave int) string {
	switch s := f.step(wave); {
	case s != nil:
		return s.String()
	case wave == 0:
		return "canary"
	default:
		return "all"
	}
}

// total is the number of subscribers in groups.
func total(groups []Group) (n int) {
	for _, g := range groups {
		n += g.Size()
	}
	return n
}

// share is how many of n Envoys a step has.
func share(s *spec.Step, n int) int {
	if s.Percent > 0 {
		return percent(s.Percent, n)
	}
	return min(s.Count, n)
}

// percent is a percentage of n, rounded up.
func percent(p, n int) int { return (n*p + 99) / 100 }

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
