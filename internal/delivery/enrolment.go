package delivery

import (
	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// enrolment makes those subscribers canaries that the fleet's record names, or has a share for.
type enrolment struct {
	*step
	replica  *replica
	progress *progress
}

// onTrial are the revisions that may have canaries: the candidate and the stable revision.
func (e *enrolment) onTrial(f *filter) (all []*snapshot.Revision) {
	if f.followed.record == nil {
		return nil
	}
	if c := f.candidate(); c != nil && f.stoppedBy(c) == nil {
		all = append(all, c)
	}
	if f.stable != nil {
		all = append(all, f.stable)
	}
	return all
}

// enrol carries out the record for all subscribers of a filter.
func (e *enrolment) enrol(f *filter) {
	for _, r := range e.onTrial(f) {
		for _, g := range f.inOrder() {
			e.enrolGroup(f, g, r)
		}
	}
}

func (e *enrolment) enrolGroup(f *filter, g *group, r *snapshot.Revision) {
	v, judged := g.Verdict(r)
	if judged && !v.Loads {
		return
	}
	named := f.followed.record.Canary(r.ID, g.envoy)
	for _, u := range g.subs {
		isNamed := named != nil && named.Node == u.s.node.ID
		switch tries := u.tries(r); {
		case tries && !judged && !isNamed && !u.runs(r):
			g.dropCanary(u) // another node is the canary
			e.touch(u)
		case tries || u.against(r) != nil:
		case isNamed && !judged || f.isCandidate(r) && u.runs(r):
			e.add(g, r, u)
		}
	}
	if !judged || !f.isCandidate(r) {
		return
	}
	share := f.followed.record.Share(e.replica.name, g.envoy)
	if g.Canaries(r) >= share || g.Canaries(r) == len(g.subs) || f.isHeld(r, e.now) {
		return
	}
	for _, u := range pickCanaries(rollout.Canaries{Group: g, Number: share, Prefer: f.wanted.Canary.Selector}, r, e.now) {
		e.add(g, r, u)
	}
}

func (e *enrolment) add(g *group, r *snapshot.Revision, u *sub) {
	g.addCanary(r.ID, u)
	e.touch(u)
	e.change(u.f)
	e.progress.watchCanaries(u.f)
}

// join is enrol for a new subscriber. It says whether the subscriber is a canary of the candidate.
func (e *enrolment) join(u *sub) (is bool) {
	f := u.f
	if u.group == nil {
		return false
	}
	for _, r := range e.onTrial(f) {
		v, judged := u.verdict(r)
		if u.tries(r) || u.against(r) != nil || judged && !v.Loads {
			continue
		}
		named := f.followed.record.Canary(r.ID, u.group.envoy)
		switch candidate := f.isCandidate(r); {
		case named != nil && named.Node == u.s.node.ID && !judged,
			candidate && u.runs(r),
			candidate && judged && u.group.Canaries(r) < f.followed.record.Share(e.replica.name, u.group.envoy) && !f.isHeld(r, e.now):
			e.add(u.group, r, u)
			is = is || candidate
		}
	}
	return is
}
