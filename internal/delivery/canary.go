package delivery

import (
	"cmp"
	"slices"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// chooseCanaries gives each Envoy version that r is for at least one canary, and the filter as many
// canaries as the policy asks for.
// See docs/RATIONALE.md#why-does-a-canary-policy-without-a-connected-node-hold-the-rollout.
func (m *Machine) chooseCanaries(f *filter, r *snapshot.Revision, policy spec.Canary) {
	groups, _ := m.takers(f, r)
	total := 0
	for _, g := range groups {
		total += len(g.subs)
	}
	if f.promoted == r.ID {
		policy = spec.Canary{Count: 1}
	}
	if policy.Selector != nil {
		if f.isUnmatched(groups) {
			return
		}
		for _, g := range groups {
			m.assign(f, g, r, max(1, g.selected), policy.Selector)
		}
		return
	}
	wanted := policy.Count
	switch {
	case policy.Percent > 0:
		wanted = (total*policy.Percent + 99) / 100
	case policy.Count == 0:
		wanted = total
	}
	extra := max(0, wanted-len(groups))
	for _, g := range groups {
		n := min(len(g.subs), 1+extra)
		extra -= n - 1
		m.assign(f, g, r, n, nil)
	}
}

// isUnmatched says whether the canary policy names Envoys and no Envoy of the groups is among them.
func (f *filter) isUnmatched(groups []*group) bool {
	if f.wanted == nil || f.wanted.Canary.Selector == nil || len(groups) == 0 {
		return false
	}
	return !slices.ContainsFunc(groups, func(g *group) bool { return g.selected > 0 })
}

// enlist makes a new subscriber a canary at once if all subscribers are canaries (the zero policy),
// and says whether the subscriber became a canary. If thousands of Envoys connect at the same time,
// chooseCanaries would search all subscribers for each of them.
func (m *Machine) enlist(u *sub) bool {
	f := u.f
	c := f.candidate()
	if c == nil || u.group == nil || f.wanted.Canary != (spec.Canary{}) || m.against(u, c) != nil || f.promoted == c.ID ||
		!m.held(f, u.group, c).IsZero() || m.foretold(f, c, u.s.node.Version) != nil ||
		m.refusedIn(u.group, c) || m.stoppedBy(f, c) != nil {
		return false
	}
	u.group.addTrial(c.ID, u)
	m.change(f)
	m.watchCanaries(f)
	return true
}

// assign makes subscribers canaries of r until the group has n. While the group waits for a
// suspect, only awaited suspects can become canaries, one after the other: they may have the
// bytes already.
func (m *Machine) assign(f *filter, g *group, r *snapshot.Revision, n int, prefer *spec.NodeSelector) {
	missing := n - g.canaries(r.ID)
	if missing <= 0 {
		return
	}
	until := m.held(f, g, r)
	held := !until.IsZero()
	if held {
		m.wakeFilter(f, until)
		if missing = 1; g.isLoading(r) {
			return // one at a time
		}
	}
	var eligible []*sub
	for _, u := range g.subs {
		if m.isAskable(u, r) && (!held || m.isAwaitedSuspect(u, r) && !u.refusesStable()) {
			eligible = append(eligible, u)
		}
	}
	if held {
		eligible = askedLess(g, eligible, r)
	}
	slices.SortFunc(eligible, func(a, b *sub) int {
		return cmp.Or(cmp.Compare(m.rank(a, r, prefer), m.rank(b, r, prefer)), cmp.Compare(a.s.id, b.s.id))
	})
	for _, u := range eligible[:min(missing, len(eligible))] {
		g.addTrial(r.ID, u)
		m.touch(u)
		m.change(f)
		m.watchCanaries(f)
	}
}

// isAskable says whether the subscriber may become a canary of r.
func (m *Machine) isAskable(u *sub, r *snapshot.Revision) bool {
	return !u.s.silent && !u.passedOver && !u.tries(r) && m.against(u, r) == nil
}

// askedLess leaves out the suspects that were lost twice, if the group has other subscribers: the
// other subscribers are asked after the wait.
func askedLess(g *group, suspects []*sub, r *snapshot.Revision) []*sub {
	if len(suspects) == len(g.subs) {
		return suspects
	}
	return slices.DeleteFunc(suspects, func(u *sub) bool { return u.suspect(r).losses >= lostLimit-1 })
}

// rank is the order in which Envoys become canaries of r, the lowest first. Suspects come first:
// they may have the bytes already. Last come Envoys that refused the stable revision, or were lost
// with r again and again: the cause may be their own, and would stop the rollout for all.
func (m *Machine) rank(u *sub, r *snapshot.Revision, prefer *spec.NodeSelector) int {
	one := u.suspect(r)
	switch {
	case one != nil && one.losses >= lostLimit-1, one != nil && one.why == WaitSilent:
		return 5
	case u.refusesStable(), u.f.losesStable(r, u.s.node.Version, u.s.node.ID):
		return 4
	case one != nil:
		return 0
	case prefer != nil && prefer.Matches(u.s.node.ID, u.s.node.Cluster, u.s.node.Metadata):
		return 1
	case !u.bare():
		return 2
	default:
		return 3
	}
}

// refusesStable says whether the Envoy has refused the stable revision.
func (u *sub) refusesStable() bool { return u.f.stable != nil && u.refusal(u.f.stable.ID) != nil }

// fellSilent takes the subscribers of a silent stream out of their trials. Other Envoys of the
// version become canaries. If there are none, the other versions go on without this version.
func (m *Machine) fellSilent(s *stream) {
	s.silent = true
	for _, u := range s.subs {
		if u.trials == 0 {
			continue
		}
		u.group.dropTrials(u)
		m.change(u.f)
		m.rollOut(u.f)
	}
}

// mayHaveSpoken takes a silent stream back into the rollouts once no answer is late any more.
func (m *Machine) mayHaveSpoken(s *stream) {
	if !s.silent || s.late > 0 {
		return
	}
	s.silent = false
	for _, u := range s.subs {
		if u.group == nil {
			continue
		}
		if c := u.f.candidate(); c != nil && u.runs(c) {
			u.group.addTrial(c.ID, u)
		}
		m.change(u.f)
		m.rollOut(u.f)
	}
}
