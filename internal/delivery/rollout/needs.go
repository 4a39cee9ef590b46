package rollout

import (
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Canaries asks for canaries in a group that has too few.
type Canaries struct {
	Group  Group
	Number int // with the present canaries
	// Prefer names the nodes to ask first; nil: none.
	Prefer *spec.NodeSelector
	// SuspectsUntil is until when only awaited suspects may become canaries, in turn:
	// suspects may have the bytes already. Zero: any subscriber may.
	SuspectsUntil time.Time
}

// IsHeld says whether no further Envoy may get the revision for now: the rollout is paused by hand,
// or the server is frozen. A freeze does not hold a way back.
func (r *Rollout) IsHeld(f *Facts) bool {
	return f.Frozen && !f.IsBack() || r.Of(f.Revision.ID).IsPaused()
}

// Newcomers asks for a canary of the stable revision in each group that has not judged it. The
// view's revision is the stable revision. The canaries are appended to room.
func (r *Rollout) Newcomers(v *View, now time.Time, room []Canaries) []Canaries {
	takers, _ := v.Takers()
	for _, g := range takers {
		if _, judged := g.Verdict(v.Revision); !judged {
			if g.Canaries(v.Revision) == 0 {
				room = append(room, Canaries{Group: g, Number: 1, SuspectsUntil: r.SuspectsUntil(g, v.Revision, now)})
			}
		}
	}
	return room
}

// MayJoin says whether a new subscriber of the group may be a canary of the revision at once, if
// the policy makes all subscribers canaries.
func (r *Rollout) MayJoin(f *Facts, g Group) bool {
	return f.Policy == (spec.Canary{}) && r.promoted != f.Revision.ID && !r.IsHeld(f) && !needs{r, f}.isSettling() && !g.IsForetold(f.Revision) &&
		r.SuspectsUntil(g, f.Revision, f.Now).IsZero() && !refuses(g, f.Revision) && r.Stopped(&f.View) == nil
}

// needs counts the canaries that a wave needs.
type needs struct {
	r *Rollout
	f *Facts
}

// canaries gives each Envoy version that the revision is for at least one canary, and the filter as
// many canaries as the wave asks for.
func (n needs) canaries(takers []Group, room []Canaries) []Canaries {
	r, f := n.r, n.f
	if step := f.step(r.Way.Wave); step != nil {
		return n.step(step, takers, room)
	}
	policy := f.Policy
	if r.promoted == f.Revision.ID {
		policy = spec.Canary{Count: 1}
	}
	if policy.Selector != nil {
		if f.IsUnmatched(takers) {
			return nil
		}
		for _, g := range takers {
			room = n.need(g, max(1, g.Preferred()), policy.Selector, room)
		}
		return room
	}
	all := total(takers)
	wanted := policy.Count
	switch {
	case policy.Percent > 0:
		wanted = n.target(percent(policy.Percent, all))
	case policy.Count == 0:
		wanted = all
	}
	extra := max(0, wanted-len(takers))
	for _, g := range takers {
		number := min(g.Size(), 1+extra)
		extra -= number - 1
		room = n.need(g, number, nil, room)
	}
	return room
}

// target is the number of Envoys of the present wave. It is fixed when the wave begins, so Envoys
// that connect later do not make the wave larger. now is the number for the present fleet.
func (n needs) target(now int) int {
	w := n.r.Way
	if !n.f.Lingers() {
		return now
	}
	if w.Target == 0 {
		w.Target = now
	}
	return min(now, w.Target)
}

// step asks for the Envoys of a step. Each version has its share, and at least one Envoy.
func (n needs) step(step *spec.Step, takers []Group, room []Canaries) []Canaries {
	all := total(takers)
	if all == 0 {
		return room
	}
	wanted := n.target(share(step, all))
	numbers := make([]int, len(takers))
	rest := wanted
	for i, g := range takers {
		// The canaries of the waves before stay, even if their version has more than its share.
		numbers[i] = min(max(1, wanted*g.Size()/all, g.Canaries(n.f.Revision)+n.awaited(g)), g.Size())
		rest -= numbers[i]
	}
	for i, g := range takers {
		more := min(max(rest, 0), g.Size()-numbers[i])
		numbers[i] += more
		rest -= more
		room = n.need(g, numbers[i], n.f.Policy.Selector, room)
	}
	return room
}

// need asks for canaries in a group, unless the group has as many. An absent Envoy of the wave
// keeps its place while it is awaited.
func (n needs) need(g Group, number int, prefer *spec.NodeSelector, room []Canaries) []Canaries {
	number -= n.awaited(g)
	until := n.r.SuspectsUntil(g, n.f.Revision, n.f.Now)
	if g.Canaries(n.f.Revision) >= number || until.IsZero() && n.isSettling() {
		return room
	}
	return append(room, Canaries{g, number, prefer, until})
}

// isSettling says whether the fleet of a former process is not back yet. Without its Envoys a share
// of the fleet is no share, so the rollout rests for a moment.
func (n needs) isSettling() bool {
	w := n.r.Of(n.f.Revision.ID)
	if w == nil || w.settling.IsZero() || !n.f.Now.Before(w.settling) || !n.f.Lingers() {
		return false
	}
	takers, _ := n.f.Takers()
	return total(takers) < w.Fleet
}

// awaited is the number of absent Envoys of the wave that the group awaits.
func (n needs) awaited(g Group) int {
	if !n.f.Lingers() && !n.r.IsHeld(n.f) {
		return 0 // the answers of the canaries end the rollout
	}
	return n.r.Way.absent.awaited(g.Envoy(), n.f.Now)
}

// passed says whether every version of the takers has canaries and all canaries run the revision. A
// version without canaries does not count if all of its Envoys are silent or were lost with the
// revision too often.
func (n needs) passed() bool {
	r, f := n.r, n.f
	takers, _ := f.Takers()
	promoted := r.promoted == f.Revision.ID
	if !promoted && f.IsUnmatched(takers) {
		return !slices.ContainsFunc(takers, func(g Group) bool { return !g.AllRun(f.Revision) })
	}
	passed := false
	for _, g := range takers {
		switch {
		case g.Passed(f.Revision):
			passed = true
		case g.Canaries(f.Revision) > 0 || !r.SuspectsUntil(g, f.Revision, f.Now).IsZero():
			return false
		}
	}
	return passed || promoted && len(takers) > 0
}
