package delivery

import (
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// progress tells how far rollouts are, and reports the slow ones.
type progress struct {
	*step
	ackWait time.Duration // Config.AckWait
	pause   time.Duration // Config.CanaryPause
}

// of is the progress of the revision on trial, or of the watch after a promotion; nil: there is
// none.
func (e *progress) of(f *filter) *Rollout {
	c := f.onTrial()
	if c == nil {
		return e.watched(f)
	}
	r := &Rollout{Revision: c.ID, Promoted: f.rollout.Promoted() == c.ID}
	if f.isCandidate(c) {
		r.Stopped = f.stoppedBy(c)
		facts := f.facts(c, e.now)
		r.Picture = f.rollout.Picture(&facts)
		if r.Frozen {
			r.Freeze = f.freeze.hold
		}
	}
	r.count(f, c)
	if r.Stopped == nil {
		r.Waits = e.waits(f, c)
	}
	return r
}

// watched is the watch after a promotion; nil: there is none.
func (e *progress) watched(f *filter) *Rollout {
	w := f.rollout.Way
	if !w.IsWatched() || f.stable == nil || f.wanted == nil || f.wanted.Rollout.Health == nil {
		return nil
	}
	facts := f.facts(f.stable, e.now)
	r := &Rollout{Revision: f.stable.ID, Picture: f.rollout.WatchPicture(f.wanted.Rollout.Health.After, &facts)}
	r.count(f, f.stable)
	return r
}

// count counts the Envoys that run the revision.
func (r *Rollout) count(f *filter, of *snapshot.Revision) {
	for _, u := range f.subs {
		if u.group != nil {
			r.Total++
			if u.runs(of) {
				r.Live++
			}
		}
	}
}

// waits are the Envoys the rollout of r waits for.
func (e *progress) waits(f *filter, r *snapshot.Revision) (all []rollout.Wait) {
	facts := f.facts(r, e.now)
	takers, _ := facts.Takers()
	if !f.isCandidate(r) {
		takers = f.newTo(r)
	} else if f.rollout.IsHeld(&facts) {
		return nil // the hold is shown, and nothing else would end the wait
	} else if f.rollout.Promoted() != r.ID && facts.IsUnmatched(takers) {
		return append(f.rollout.AwaitedOfAll(r, e.now), rollout.Wait{Reason: rollout.WaitMatch, Since: f.since})
	}
	for _, taker := range takers {
		g := taker.(*group)
		if !f.rollout.SuspectsUntil(g, r, e.now).IsZero() {
			isCanary := func(node string) bool { return g.isCanary(node, r) }
			all = append(all, f.rollout.Awaited(g, r, e.now, isCanary)...)
		}
		all = append(all, e.loading(g, r)...)
	}
	if len(all) == 0 {
		for _, g := range takers {
			all = append(all, e.silent(g.(*group), r)...)
		}
	}
	if f.isCandidate(r) {
		all = append(all, f.rollout.Waits(&facts)...)
	}
	return all[:min(len(all), rollout.WaitsShown)]
}

// loading are the canaries that do not run r yet.
func (e *progress) loading(g *group, r *snapshot.Revision) (all []rollout.Wait) {
	for _, u := range g.loading(r, rollout.WaitsShown) {
		all = append(all, e.waitFor(u, r))
	}
	rollout.SortWaits(all)
	return all
}

// silent are the silent Envoys of the group.
func (e *progress) silent(g *group, r *snapshot.Revision) (all []rollout.Wait) {
	for _, u := range g.subs {
		if u.s.silent && !u.runs(r) && len(all) < rollout.WaitsShown {
			all = append(all, rollout.Wait{Node: u.s.node.ID, Envoy: g.envoy, Reason: rollout.WaitSilent, Since: e.at(u.since)})
		}
	}
	rollout.SortWaits(all)
	return all
}

// waitFor is the wait for a canary that does not run r yet.
func (e *progress) waitFor(u *sub, r *snapshot.Revision) rollout.Wait {
	w := rollout.Wait{Node: u.s.node.ID, Envoy: u.s.node.Version, Reason: rollout.WaitTurn, Since: u.f.since}
	if joined := e.at(u.joined); joined.After(w.Since) {
		w.Since = joined
	}
	for _, response := range u.s.outstanding {
		due := u.s.due(response.at, e.ackWait)
		if w.Until.IsZero() {
			w.Until = due
		}
		if response.has(u, r) {
			w.Reason, w.Since, w.Until = rollout.WaitAnswer, response.at, due
			return w
		}
	}
	if f := u.fetch(); f != nil && f.revision == r.ID {
		w.Reason, w.Until = rollout.WaitFetch, f.deadline
	}
	return w
}

// isSlow says whether a canary of r takes longer than usual.
func (e *progress) isSlow(u *sub, r *snapshot.Revision) bool {
	return u.tries(r) && !u.runs(r) && !e.waitFor(u, r).IsUsual(e.now)
}

// watch has the filter's canaries looked at once they are slow.
func (e *progress) watch(f *filter, at time.Time) {
	if f.report.planLook(at, e.now) {
		e.timers.add(at, due{f: f})
	}
}

// watchCanaries has new canaries looked at once they are slow.
func (e *progress) watchCanaries(f *filter) { e.watch(f, e.now.Add(rollout.SlowAfter)) }

// lookForSlow notes whether a canary is slow.
func (e *progress) lookForSlow(f *filter) {
	if f.report.takeLook(e.now) {
		if r := e.of(f); r != nil {
			for _, w := range r.Waits {
				if !w.IsUsual(e.now) {
					f.report.foundSlow()
					e.change(f)
					continue
				}
				e.watch(f, w.Since.Add(rollout.SlowAfter))
			}
		}
	}
	if !f.report.isSilent() {
		e.change(f) // the wait may have another end
	}
}

// report reports the rollout if there is anything new to tell.
func (e *progress) report(f *filter) {
	c := f.onTrial()
	if c == nil && f.report.isSilent() {
		return
	}
	r := Rollout{}
	if c != nil && (f.report.mayTell() || f.rollout.HasSuspects() || f.wanted.Canary.Selector != nil) {
		r = *e.of(f)
	}
	if !f.report.tell(&r, e.now) {
		return
	}
	if c != nil {
		r.Revision = c.ID
	} else if f.stable != nil {
		r.Revision = f.stable.ID
	}
	e.tell(RolloutChanged{Name: f.name, Rollout: r})
}
