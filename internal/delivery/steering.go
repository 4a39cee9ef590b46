package delivery

import (
	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// steering carries out the commands of users on rollouts, and takes the looks at their health.
type steering struct {
	*step
	halts    halts
	rollouts *rollouts
	progress *progress
}

// goOn continues a rollout by hand without the awaited canaries. Each Envoy version still gets a
// canary, if any Envoy can be asked: an unproven revision goes to a single Envoy first.
func (e *steering) goOn(f *filter, p Promoted) {
	c := f.onTrial()
	if c == nil || c.ID != p.Revision || f.isCandidate(c) && f.stoppedBy(c) != nil {
		return
	}
	f.rollout.Promote(c.ID, p.By, f.isCandidate(c))
	if f.isCandidate(c) {
		e.save()
		e.passOver(f, c)
	}
	e.rollouts.rollOut(f)
	e.touchFilter(f)
}

// passOver replaces the canaries that take long.
func (e *steering) passOver(f *filter, r *snapshot.Revision) {
	for _, g := range f.inOrder() {
		for _, u := range g.subs {
			if e.progress.isSlow(u, r) {
				u.setPassedOver(true)
				g.dropCanary(u)
			}
		}
	}
}

// hold pauses the rollout of the candidate.
func (e *steering) hold(f *filter, p Paused) {
	if c := f.candidate(); c == nil || f.stoppedBy(c) != nil {
		return
	}
	if f.rollout.Of(p.Revision).Pause(rollout.Hold{By: p.By, Reason: p.Reason, At: e.now.UTC().Round(0)}) {
		e.held(f)
	}
}

// resume ends a pause by hand.
func (e *steering) resume(f *filter, p Resumed) {
	if f.rollout.Of(p.Revision).Resume() {
		e.held(f)
	}
}

// abort stops the rollout of the candidate, or takes a watched revision back.
func (e *steering) abort(f *filter, a Aborted) {
	if f.rollout.Of(a.Revision) == nil || f.rollout.Stops.Of(a.Revision) != nil || f.stable == nil {
		return // without a stable revision there is nothing to go back to
	}
	e.stopWay(f, rollout.Stop{Revision: a.Revision, Why: rollout.Aborted, By: a.By, Reason: a.Reason})
}

// held continues the rollout after a change of its hold.
func (e *steering) held(f *filter) {
	e.save()
	e.rollouts.rollOut(f)
	e.touchFilter(f)
}

// looked takes a look at the health of a revision.
func (e *steering) looked(f *filter, l HealthLooked) {
	w := f.rollout.Of(l.Revision)
	if w == nil || f.rollout.Stops.Of(l.Revision) != nil || !f.asksForLooks(e.now) {
		return
	}
	if w.Look.Outcome != l.Outcome {
		e.save()
	}
	w.Looked(l.Outcome, l.Reason, e.now)
	e.change(f)
	if l.Outcome == rollout.Bad {
		e.stopWay(f, rollout.Stop{Revision: l.Revision, Why: rollout.Unhealthy, Reason: l.Reason})
		return
	}
	e.rollouts.rollOut(f)
}

// stopWay ends the rollout under way, or the watch.
func (e *steering) stopWay(f *filter, stop rollout.Stop) {
	if f.rollout.Way.IsWatched() {
		e.takeBack(f, stop)
	} else if c := f.candidate(); c != nil && c.ID == stop.Revision {
		e.halts.stop(f, c, stop)
	}
}

// takeBack takes the watched revision from all Envoys: the revision before is stable again.
func (e *steering) takeBack(f *filter, stop rollout.Stop) {
	bad, former := f.stable, f.find(f.rollout.Way.Former)
	if former == nil || !f.rollout.Stops.Keep(stop, e.now) {
		return
	}
	f.takeBack(former, e.now)
	f.rollout.Way.TakenBack()
	e.save()
	e.halts.tellStop(f, bad, stop)
	e.rollouts.rollOut(f)
	e.touchFilter(f)
}

// restored goes on with a rollout of a former process.
func (e *steering) restored(f *filter) {
	if f.followed == nil {
		e.restoreStop(f)
	}
	if f.rollout.Way != nil {
		e.wakeFilter(f, e.now.Add(e.rollouts.pause))
	}
}

// restoreStop keeps the stop of a candidate that the state of an earlier release does not have: the
// release knew the refusals alone, and asked other versions once the refusing Envoys were gone.
func (e *steering) restoreStop(f *filter) {
	c := f.candidate()
	if c == nil || f.rollout.Stops.Of(c.ID) != nil {
		return
	}
	for _, envoy := range f.verdicts.Versions() {
		v, judged := f.verdicts.Of(c, envoy)
		if judged && !v.Loads && !f.refusesStable(envoy) {
			f.rollout.Stops.Keep(rollout.Stop{Revision: c.ID, Why: rollout.Refused, Envoy: envoy, Reason: v.Message}, e.now)
			e.save()
			return
		}
	}
}
