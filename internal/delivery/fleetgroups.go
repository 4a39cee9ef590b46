package delivery

import (
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
	"github.com/wasm-xds/wasm-xds/internal/delivery/verdict"
	"github.com/wasm-xds/wasm-xds/internal/ledger"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// fleetGroup has the subscribers of an Envoy version on all replicas, as the leader sees them. It
// is a [rollout.Group] for a revision.
type fleetGroup struct {
	f       *filter
	of      *snapshot.Revision
	envoy   string
	local   *group // nil: this replica has none
	replica *replica
	parts   []part
	caught  bool // all replicas have carried out the present shares
}

// part is the share of a replica in a fleetGroup.
type part struct {
	replica string
	ledger.Count
}

// fleetGroups are the groups of a filter for a revision, sorted by version.
func fleetGroups(f *filter, of *snapshot.Revision, p *replica, others *peers) (groups []rollout.Group) {
	versions := map[string]struct{}{}
	for envoy := range f.groups {
		versions[envoy] = struct{}{}
	}
	others.envoys(f.name, of.ID, versions)
	names := others.names()
	caught := others.haveSeen(f.followed.allotted) && p.seen >= f.followed.allotted
	for _, envoy := range sortedKeys(versions) {
		g := &fleetGroup{f: f, of: of, envoy: envoy, local: f.groups[envoy], replica: p, caught: caught}
		if g.local != nil {
			g.parts = append(g.parts, part{p.name, ledger.Count{
				Size: len(g.local.subs), Preferred: g.local.selected, Canaries: g.local.Canaries(of), Loading: loadingIn(g.local, of),
			}})
		}
		for _, name := range names {
			if c := others.count(name, f.name, of.ID, envoy); c != nil {
				g.parts = append(g.parts, part{name, *c})
			}
		}
		groups = append(groups, g)
	}
	return groups
}

func loadingIn(g *group, r *snapshot.Revision) int {
	if g.isLoading(r) {
		return 1
	}
	return 0
}

// Envoy implements [rollout.Group].
func (g *fleetGroup) Envoy() string { return g.envoy }

// Size implements [rollout.Group].
func (g *fleetGroup) Size() int { return g.sum(func(c *part) int { return c.Size }) }

// Preferred implements [rollout.Group].
func (g *fleetGroup) Preferred() int { return g.sum(func(c *part) int { return c.Preferred }) }

func (g *fleetGroup) sum(of func(*part) int) (n int) {
	for i := range g.parts {
		n += of(&g.parts[i])
	}
	return n
}

// Verdict is the verdict of the ledger. A refusal by an Envoy of this replica counts at once.
func (g *fleetGroup) Verdict(r *snapshot.Revision) (verdict.Verdict, bool) {
	if v, judged := g.f.verdicts.Of(r, g.envoy); judged && (!v.Loads || r.BuiltIn) {
		return v, true
	}
	v, judged := g.replica.confirmed[verdict.Key{Revision: r.ID, Envoy: g.envoy}]
	return v, judged
}

// IsForetold implements [rollout.Group].
func (g *fleetGroup) IsForetold(r *snapshot.Revision) bool {
	if g.local != nil {
		return g.local.IsForetold(r)
	}
	return tooOld(g.f.wanted, r, g.envoy) != nil || foundFor(g.f.verdicts, r, g.envoy) != nil
}

// proven says whether the ledger knows the revision to load on the version.
func (g *fleetGroup) proven(r *snapshot.Revision) bool {
	v, judged := g.Verdict(r)
	return judged && v.Loads
}

// Canaries is the number of Envoys that have the revision, or are about to get it.
func (g *fleetGroup) Canaries(r *snapshot.Revision) int {
	if !g.proven(r) {
		if g.f.followed.record.Canary(r.ID, g.envoy) != nil {
			return 1
		}
		return 0
	}
	return g.sum(g.held)
}

// held is how many Envoys of a replica have the revision, or are about to get it.
func (g *fleetGroup) held(c *part) int {
	if g.caught {
		return c.Canaries
	}
	return max(c.Canaries, min(g.f.followed.record.Share(c.replica, g.envoy), c.Size))
}

// Passed implements [rollout.Group].
func (g *fleetGroup) Passed(r *snapshot.Revision) bool {
	if !g.caught || !g.proven(r) {
		return false
	}
	canaries := g.sum(func(c *part) int { return c.Canaries })
	if canaries <= 1 && g.f.followed.record.Canary(r.ID, g.envoy) != nil {
		return true // the named canary has answered
	}
	return canaries > 0 && g.sum(func(c *part) int { return c.Loading }) == 0
}

// AllRun implements [rollout.Group].
func (g *fleetGroup) AllRun(r *snapshot.Revision) bool {
	if !g.caught || g.local != nil && !g.local.AllRun(r) {
		return false
	}
	for i := range g.parts {
		if c := &g.parts[i]; c.replica != g.replica.name && c.Running < c.Size {
			return false
		}
	}
	return true
}

// HasOther implements [rollout.Group].
func (g *fleetGroup) HasOther(nodes map[string]int) bool {
	return g.Size() > len(nodes) || g.local != nil && g.local.HasOther(nodes)
}

// shares are the shares with which the group has a number of Envoys with the revision. The Envoys
// that have it stay. With prefer, the Envoys that the canary policy names come first.
func (g *fleetGroup) shares(number int, prefer bool) (all []ledger.Share) {
	missing := number - g.sum(g.held)
	numbers := make([]int, len(g.parts))
	for i := range g.parts {
		numbers[i] = g.held(&g.parts[i])
	}
	if prefer {
		missing = g.spread(numbers, missing, func(c *part) int { return min(c.Preferred, c.Size-c.Silent) })
	}
	g.spread(numbers, missing, func(c *part) int { return c.Size - c.Silent })
	for i := range g.parts {
		if numbers[i] > 0 {
			all = append(all, ledger.Share{Replica: g.parts[i].replica, Envoy: g.envoy, Number: numbers[i]})
		}
	}
	return all
}

// spread gives each replica some of the missing Envoys, in proportion to its room up to most, and
// returns how many could not be given.
func (g *fleetGroup) spread(numbers []int, missing int, most func(*part) int) int {
	for missing > 0 {
		room := 0
		for i := range g.parts {
			room += max(most(&g.parts[i])-numbers[i], 0)
		}
		if room == 0 {
			return missing
		}
		todo := missing
		for i := range g.parts {
			free := max(most(&g.parts[i])-numbers[i], 0)
			n := min(free, missing, (todo*free+room-1)/room)
			numbers[i] += n
			missing -= n
		}
	}
	return 0
}

// offer is the node that becomes the canary next; "": none can be asked. Until suspectsUntil, only
// an awaited suspect can be.
func (g *fleetGroup) offer(need *rollout.Canaries, now time.Time) (node, replica string) {
	rank := -1
	take := func(offered, of string, its int) {
		suspect := g.f.rollout.Suspect(verdict.Key{Revision: g.of.ID, Envoy: g.envoy}, offered)
		if offered == "" || !need.SuspectsUntil.IsZero() && !suspect.IsAwaited(now) || suspect.IsLost() || rank >= 0 && its >= rank {
			return
		}
		node, replica, rank = offered, of, its
	}
	if g.local != nil {
		offered, its := offerOf(g.local, g.of)
		take(offered, g.replica.name, its)
	}
	for i := range g.parts {
		if c := &g.parts[i]; c.replica != g.replica.name {
			take(c.Offer, c.replica, c.Rank)
		}
	}
	return node, replica
}

// offerOf is the subscriber that becomes a canary next, and its rank; "": none can be asked.
func offerOf(g *group, r *snapshot.Revision) (node string, its int) {
	its = -1
	for _, u := range g.subs {
		if u.s.silent || u.passedOver || u.against(r) != nil {
			continue
		}
		if n := rank(u, r, g.f.wanted.Canary.Selector); its < 0 || n < its || n == its && u.s.node.ID < node {
			node, its = u.s.node.ID, n
		}
	}
	return node, its
}
