package delivery

import (
	"cmp"
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// pickCanaries picks the subscribers of a group that become canaries of r next, as many as are
// missing.
func pickCanaries(need rollout.Canaries, r *snapshot.Revision, now time.Time) []*sub {
	g := need.Group.(*group)
	missing := need.Number - g.Canaries(r)
	suspectsOnly := !need.SuspectsUntil.IsZero()
	if suspectsOnly {
		if missing = 1; g.isLoading(r) {
			return nil // one at a time
		}
	}
	var all []*sub
	for _, u := range g.subs {
		if isAskable(u, r) && (!suspectsOnly || u.suspect(r).IsAwaited(now) && !u.refusesStable()) {
			all = append(all, u)
		}
	}
	if suspectsOnly {
		all = askedLess(g, all, r)
	}
	slices.SortFunc(all, func(a, b *sub) int {
		return cmp.Or(cmp.Compare(rank(a, r, need.Prefer), rank(b, r, need.Prefer)), cmp.Compare(a.s.id, b.s.id))
	})
	return all[:min(missing, len(all))]
}

// isAskable says whether the subscriber may become a canary of r.
func isAskable(u *sub, r *snapshot.Revision) bool {
	return !u.s.silent && !u.passedOver && !u.tries(r) && u.against(r) == nil
}

// askedLess leaves out the suspects that were lost twice, if the group has other subscribers: the
// other subscribers are asked after the wait.
func askedLess(g *group, suspects []*sub, r *snapshot.Revision) []*sub {
	if len(suspects) == len(g.subs) {
		return suspects
	}
	return slices.DeleteFunc(suspects, func(u *sub) bool { return u.suspect(r).IsNearLimit() })
}

// rank is the order in which Envoys become canaries of r, the lowest first. Suspects come first:
// they may have the bytes already. Last come Envoys that refused the stable revision, or were lost
// with r again and again: the cause may be their own, and would stop the rollout for all.
func rank(u *sub, r *snapshot.Revision, prefer *spec.NodeSelector) int {
	one := u.suspect(r)
	switch {
	case one.IsNearLimit(), one.Why == rollout.WaitSilent:
		return 5
	case u.refusesStable(), u.f.rollout.LosesStable(r.ID, u.f.stable, u.s.node.Version, u.s.node.ID):
		return 4
	case one.Is():
		return 0
	case prefer != nil && prefer.Matches(u.s.node.ID, u.s.node.Cluster, u.s.node.Metadata):
		return 1
	case !u.bare():
		return 2
	default:
		return 3
	}
}
