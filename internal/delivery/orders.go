package delivery

import (
	"fmt"

	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
	"github.com/wasm-xds/wasm-xds/internal/ledger"
)

// orders carries out the commands of users, on the leader's draft of a record.
type orders struct {
	*step
	halts   halts
	replica *replica
}

// obey carries out a command.
func (e *orders) obey(f *filter, d *draft, c ledger.Command) {
	way := d.rollout.Of(c.Revision)
	problem := ""
	switch c.Kind {
	case ledger.Promote:
		problem = e.promote(f, d, c)
	case ledger.Pause:
		if !way.Pause(rollout.Hold{By: c.By, Reason: c.Reason, At: e.now.UTC().Round(0)}) {
			problem = "no rollout of this revision goes on that could be paused"
		}
	case ledger.Resume:
		if !way.Resume() {
			problem = "the rollout is not paused"
		}
	case ledger.Abort:
		problem = e.abort(f, d, c)
	case ledger.Tried:
		d.retried = c.Revision
		d.record.Retry = &ledger.Retry{Revision: c.Revision, By: c.By, At: e.now.UTC().Round(0)}
		d.rollout.Stops.Drop(c.Revision)
		if w := d.rollout.Of(c.Revision); w != nil && !w.IsWatched() {
			d.rollout.Done()
		}
	case ledger.RollBack:
		if f.content(c.Revision) == nil {
			problem = fmt.Sprintf("revision %s is not in the history any more", c.Revision)
			break
		}
		d.record.Rollback = &ledger.Rollback{
			Revision: c.Revision, Instead: idOf(f.followed.local.Revision), Pinned: c.Pinned, By: c.By, At: e.now.UTC().Round(0),
		}
	case ledger.Unpin:
		d.record.Rollback = nil
	default:
		problem = fmt.Sprintf("the leader %s does not know the command %q: it may be of an earlier release", e.replica.name, c.Kind)
	}
	d.end(c.ID, problem)
}

// promote continues a rollout by hand.
func (e *orders) promote(f *filter, d *draft, c ledger.Command) string {
	r := f.onTrial()
	if r == nil || r.ID != c.Revision || f.isCandidate(r) && f.stoppedBy(r) != nil {
		return "no rollout of this revision goes on"
	}
	d.rollout.Promote(c.Revision, c.By, f.isCandidate(r))
	d.save = true
	return ""
}

// abort stops the rollout of the candidate, or takes a watched revision back.
func (e *orders) abort(f *filter, d *draft, c ledger.Command) string {
	if d.rollout.Of(c.Revision) == nil || d.rollout.Stops.Of(c.Revision) != nil || f.stable == nil {
		return "no rollout of this revision goes on, or there is no revision to go back to"
	}
	e.stopWay(f, d, rollout.Stop{Revision: c.Revision, Why: rollout.Aborted, By: c.By, Reason: c.Reason})
	return ""
}

// looked takes a look at the health of a revision.
func (e *orders) looked(f *filter, d *draft, l HealthLooked) {
	w := d.rollout.Of(l.Revision)
	if w == nil || d.rollout.Stops.Of(l.Revision) != nil || !f.asksForLooks(e.now) {
		return
	}
	w.Looked(l.Outcome, l.Reason, e.now)
	if l.Outcome == rollout.Bad {
		e.stopWay(f, d, rollout.Stop{Revision: l.Revision, Why: rollout.Unhealthy, Reason: l.Reason})
	}
}

// stopWay ends the rollout under way, or the watch.
func (e *orders) stopWay(f *filter, d *draft, stop rollout.Stop) {
	if !d.rollout.Way.IsWatched() {
		if c := f.candidate(); c != nil && c.ID == stop.Revision {
			d.stop(stop, e.halts.moved(f, c, stop), e.now)
			d.record.Shares = nil
		}
		return
	}
	bad, former := f.stable, f.content(d.rollout.Way.Former)
	if former == nil {
		return
	}
	d.stop(stop, e.halts.moved(f, bad, stop), e.now)
	d.revisions.takeBack(former, e.now)
	d.rollout.Way.TakenBack()
}
