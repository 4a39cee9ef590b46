package delivery

import (
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/delivery/verdict"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// Envoy is the version of the group's Envoys.
func (g *group) Envoy() string { return g.envoy }

// Size is the number of subscribers.
func (g *group) Size() int { return len(g.subs) }

// Preferred is the number of subscribers that the canary policy names.
func (g *group) Preferred() int { return g.selected }

// Verdict is the verdict for the group's Envoy version.
func (g *group) Verdict(r *snapshot.Revision) (verdict.Verdict, bool) {
	return g.cache.Of(g.f.verdicts, r, g.envoy)
}

// IsForetold says whether a refusal of r by the group's Envoys is foretold.
func (g *group) IsForetold(r *snapshot.Revision) bool { return g.foretold(r) != nil }

// foretold is the refusal that is foretold; nil: none is.
func (g *group) foretold(r *snapshot.Revision) *Problem {
	if p := g.old.of(g.f.wanted, r, g.envoy); p != nil {
		return p
	}
	return foundFor(g.f.verdicts, r, g.envoy)
}

// refuses says whether an Envoy of the group's version has refused r.
func (g *group) refuses(r *snapshot.Revision) bool {
	v, judged := g.Verdict(r)
	return judged && !v.Loads
}

// Canaries is the number of canaries of r.
func (g *group) Canaries(r *snapshot.Revision) int { return g.trials.size(r.ID) }

// Passed says whether there are canaries of r and all run r.
func (g *group) Passed(r *snapshot.Revision) bool {
	t := g.trials.of(r.ID)
	if t == nil || t.size == 0 {
		return false
	}
	at := g.nextLoading(t, r)
	t.looked(at)
	return at < 0
}

// nextLoading is the place of a canary that does not run r yet; -1: all canaries run r.
func (g *group) nextLoading(t *trial, r *snapshot.Revision) int32 {
	from := max(0, int(t.at)) // the subscribers before it ran r at the last look
	for i := range g.subs {
		at := (from + i) % len(g.subs)
		if u := g.subs[at]; t.has(u.badge) && !u.runs(r) {
			return int32(at)
		}
	}
	return -1
}

// isWaiting says whether a canary is known not to run r yet.
func (g *group) isWaiting(t *trial, r *snapshot.Revision) bool {
	if t.at < 0 || int(t.at) >= len(g.subs) {
		return false
	}
	u := g.subs[t.at]
	return t.has(u.badge) && !u.runs(r)
}

// isLoading says whether a canary does not run r yet.
func (g *group) isLoading(r *snapshot.Revision) bool {
	t := g.trials.of(r.ID)
	return t != nil && t.size > 0 && g.nextLoading(t, r) >= 0
}

// loading are the first canaries that do not run r yet, at most that many.
func (g *group) loading(r *snapshot.Revision, most int) (all []*sub) {
	t := g.trials.of(r.ID)
	if t == nil || t.size == 0 {
		return nil
	}
	from := max(0, int(t.at))
	for i := range g.subs {
		if u := g.subs[(from+i)%len(g.subs)]; t.has(u.badge) && !u.runs(r) {
			if all = append(all, u); len(all) == most {
				break
			}
		}
	}
	return all
}

// running is the number of canaries that run r.
func (g *group) running(r *snapshot.Revision) (n int) {
	t := g.trials.of(r.ID)
	if t == nil || t.size == 0 {
		return 0
	}
	for _, u := range g.subs {
		if t.has(u.badge) && u.runs(r) {
			n++
		}
	}
	return n
}

// isAllCanaries says whether all subscribers are canaries of r, and whether one of them is known
// not to run r yet.
func (g *group) isAllCanaries(r *snapshot.Revision) (all, waiting bool) {
	t := g.trials.of(r.ID)
	if t == nil || t.size != len(g.subs) {
		return false, false
	}
	return true, g.isWaiting(t, r)
}

// AllRun says whether every subscriber runs r already.
func (g *group) AllRun(r *snapshot.Revision) bool {
	return !slices.ContainsFunc(g.subs, func(u *sub) bool { return !u.runs(r) })
}

// HasOther says whether there is an Envoy beside those nodes.
func (g *group) HasOther(nodes map[string]int) bool {
	return slices.ContainsFunc(g.subs, func(u *sub) bool {
		_, one := nodes[u.s.node.ID]
		return !one && !u.closed
	})
}

// isCanary says whether a canary of r has that node id.
func (g *group) isCanary(node string, r *snapshot.Revision) bool {
	return slices.ContainsFunc(g.subs, func(u *sub) bool { return u.s.node.ID == node && u.tries(r) })
}

// addCanary makes a subscriber a canary.
func (g *group) addCanary(revision string, u *sub) {
	if g.trials.of(revision) == nil {
		g.unbadge(g.trials.makeRoom())
	}
	g.trials.add(revision, &u.badge)
}

// endTrial takes all canaries from a revision.
func (g *group) endTrial(revision string) { g.unbadge(g.trials.end(revision)) }

func (g *group) unbadge(bit badge) {
	if bit == 0 {
		return
	}
	for _, u := range g.subs {
		u.badge &^= bit
	}
}

// dropCanary takes a subscriber out of all trials.
func (g *group) dropCanary(u *sub) { g.trials.leave(&u.badge) }

// add and remove keep the group's list of subscribers.
func (g *group) add(u *sub) {
	u.group, u.atGroup = g, int32(len(g.subs))
	g.subs = append(g.subs, u)
	if u.isPreferred() {
		g.selected++
	}
}

func (g *group) remove(u *sub) {
	u.group = nil
	g.subs = swapOut(g.subs, u.atGroup)
	if int(u.atGroup) < len(g.subs) {
		g.subs[u.atGroup].atGroup = u.atGroup
	}
	if u.isPreferred() {
		g.selected--
	}
	g.dropCanary(u)
}
