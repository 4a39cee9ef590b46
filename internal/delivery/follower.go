package delivery

import (
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
	"github.com/wasm-xds/wasm-xds/internal/delivery/unsettled"
	"github.com/wasm-xds/wasm-xds/internal/delivery/verdict"
	"github.com/wasm-xds/wasm-xds/internal/ledger"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// follower takes what the ledger tells, and carries out the records of filters. A server that
// decides alone has none.
type follower struct {
	*step
	replica   *replica
	followed  followedBook
	peers     *peers
	filters   *filters
	verdicts  *verdict.Book
	record    *unsettled.Record
	specs     *specs
	halts     halts
	enrolment *enrolment
	notebook  *notebook
	leader    *leader
	reporter  *reporter
	setFreeze func(*rollout.Hold)
	pause     time.Duration // Config.CanaryPause
	queue     []*filter     // to look at before the step ends
}

// take takes an event of the ledger.
func (e *follower) take(event ledger.Event) {
	switch event := event.(type) {
	case ledger.Led:
		if e.replica.led(event, e.now) {
			e.takeOver()
		}
	case ledger.Reached:
		e.reached(event)
	case ledger.RecordChanged:
		e.recordChanged(&event)
	case ledger.VerdictChanged:
		e.verdictChanged(event.Verdict, event.Gone)
	case ledger.NoteChanged:
		e.notebook.noteChanged(event.Note, event.Gone)
	case ledger.PresenceChanged:
		e.presenceChanged(event.Presence, event.Gone)
	case ledger.FreezeChanged:
		e.setFreeze(event.Hold)
		e.lookAtAll()
	case ledger.CommandCame:
		if event.Command.Filter == "" {
			if e.replica.mayPropose() {
				e.tell(Freeze{Term: e.replica.term, Command: event.Command})
			}
			return
		}
		e.followed.of(event.Command.Filter).command(event.Command)
		e.filters.with(event.Command.Filter, e.look)
	case ledger.Unchanged:
		e.followed.of(event.Filter).propose(nil)
		e.filters.with(event.Filter, e.look)
	case ledger.CommandEnded:
		for _, w := range e.followed {
			w.ended(event.ID)
		}
	}
}

// takeOver goes on where the former leader has left off.
func (e *follower) takeOver() {
	for _, f := range e.filters.inOrder() {
		f.followed.propose(nil)
		if r := f.followed.record; r != nil && f.wanted != nil {
			e.goOn(f, r, nil, e.now.Add(e.pause))
			e.wakeFilter(f, e.now.Add(e.pause))
		}
		e.look(f)
	}
}

// reached notes whether the ledger answers.
func (e *follower) reached(event ledger.Reached) {
	first := e.replica.reach(event)
	e.reporter.soon()
	if !event.OK {
		return
	}
	for _, f := range e.filters.inOrder() {
		w := f.followed
		if first && !w.told {
			w.lost()
		}
		if first && w.local != nil && f.wanted != nil {
			e.specs.want(f, w.local) // what the source wants may be rolled out now
		}
		for _, n := range w.notes {
			if first && !e.peers.has(n.Replica) {
				e.notebook.doubt(f, n)
			}
		}
		if first {
			e.notebook.settleOld(f)
		}
		e.judgeAgain(f)
		e.touchFilter(f)
		e.look(f)
	}
}

// judgeAgain has the ledger know the verdicts that this replica has alone.
func (e *follower) judgeAgain(f *filter) {
	for _, r := range f.all() {
		for key, v := range e.verdicts.On(r.ID) {
			if !e.replica.isConfirmed(key) {
				e.tellVerdict(f, r, key, v)
			}
		}
	}
}

func (e *follower) tellVerdict(f *filter, r *snapshot.Revision, key verdict.Key, v verdict.Verdict) {
	if !v.Loads {
		e.replica.judges(key)
	}
	e.tell(Judged{
		Verdict:   ledger.Verdict{Filter: f.name, Revision: key.Revision, Envoy: key.Envoy, Loads: v.Loads, Message: v.Message},
		Candidate: f.isCandidate(r),
	})
}

// recordChanged carries out a record.
func (e *follower) recordChanged(c *ledger.RecordChanged) {
	w := e.followed.of(c.Record.Filter)
	if !c.Gone && c.Record.Format > ledger.Format {
		return // a later release wrote the record: this replica goes on as before
	}
	d := w.draft
	w.propose(nil)
	w.written(nil)
	e.replica.saw(c.Record.Mod)
	e.reporter.soon()
	if c.Gone {
		w.drop()
		e.filters.with(c.Record.Filter, e.look)
		return
	}
	if w.take(c) && d != nil && d.record.Seq == c.Record.Seq && c.Record.Term == e.replica.term {
		w.written(d)
		w.ended(d.done...)
	}
	e.filters.with(c.Record.Filter, e.look)
}

// carryOut makes a filter as its record says.
func (e *follower) carryOut(f *filter, r *ledger.Record) {
	w := f.followed
	d := w.takeWritten()
	first := f.follows == nil // an earlier process has carried out the earlier retries
	f.follow(r)
	stable, wanted, stops, promoted, paused := f.stable, f.wanted, f.rollout.Stops.All(), f.rollout.Promoted(), f.rollout.Way.IsPaused()
	local := w.local
	if local == nil {
		local = f.wanted
	}
	if next := w.wants(local, f.wanted, e.replica.synced, f.content); !next.Equal(f.wanted) {
		e.specs.want(f, local)
	}
	if w.carriedOut(r.Retry) && !first {
		e.replica.retry(r.Retry.Revision)
		e.specs.retry(f, r.Retry.Revision)
	}
	f.revisions.follow(r, f.content, f.isRun)
	var way *rollout.Way
	if d != nil {
		way = d.rollout.Way
		for _, m := range d.moves {
			e.tell(m)
		}
	}
	e.goOn(f, r, way, time.Time{})
	for _, l := range r.Lost {
		loss := rollout.Loss{Key: verdict.Key{Revision: l.Revision, Envoy: l.Envoy}, Node: l.Node, Losses: l.Losses}
		f.rollout.Heard(loss, rollout.WaitBack, e.now, time.Time{})
	}
	e.notebook.apply(f)
	if !sameRevision(stable, f.stable) && f.stable != nil {
		for _, g := range f.inOrder() {
			if _, judged := g.Verdict(f.stable); judged {
				g.endTrial(f.stable.ID)
			}
		}
	}
	if c := f.candidate(); c != nil && f.rollout.Stops.Of(c.ID) != nil {
		for _, g := range f.inOrder() {
			e.halts.endTrial(g, c)
		}
	}
	e.enrolment.enrol(f)
	if !sameRevision(stable, f.stable) || wanted != f.wanted || len(stops) != len(r.Stops) || promoted != r.Promoted || paused != f.rollout.Way.IsPaused() {
		e.touchFilter(f)
	}
	e.save()
	e.change(f)
}

// goOn takes over the rollout of a record.
func (e *follower) goOn(f *filter, r *ledger.Record, way *rollout.Way, until time.Time) {
	f.rollout.Follow(rollout.Saved{Promoted: r.Promoted, Record: r.Rollout, Stops: r.Stops}, way, until)
}

// verdictChanged takes a verdict of the ledger.
func (e *follower) verdictChanged(v ledger.Verdict, gone bool) {
	key := v.Key()
	e.replica.confirm(v, gone)
	if e.replica.isJudging(key) {
		return // an Envoy of this replica has refused the revision, and the ledger does not know yet
	}
	before, judged := e.verdicts.All()[key]
	now := verdict.Verdict{Loads: v.Loads, Message: v.Message}
	switch {
	case gone && (!judged || before.Loads):
	case gone:
		e.verdicts.Forget(key)
	case !judged || before != now:
		e.verdicts.Restore(key, now, e.now)
	}
	e.save()
	f := e.filters.get(v.Filter)
	if f == nil {
		return
	}
	if v.Loads && !gone {
		f.rollout.Acquit(key, "", true)
	}
	e.enrolment.enrol(f)
	if g := f.groups[key.Envoy]; g != nil {
		for _, u := range g.subs {
			e.touch(u)
		}
	}
	if !v.Loads {
		e.touchFilter(f)
	}
	e.look(f)
}

// presenceChanged takes the report of another replica.
func (e *follower) presenceChanged(p ledger.Presence, gone bool) {
	if p.Replica == e.replica.name {
		return
	}
	for _, name := range e.peers.take(p, gone) {
		e.filters.with(name, e.look)
	}
	if gone {
		for _, f := range e.filters.inOrder() {
			for _, n := range f.followed.notes {
				if n.Replica == p.Replica {
					e.notebook.doubt(f, n)
				}
			}
		}
	}
	if !e.replica.mayPropose() {
		return
	}
	for _, f := range e.filters.inOrder() {
		if f.candidate() != nil {
			e.look(f) // the replica may have carried out the record
		}
	}
}

// lookAtAll looks at the filters that roll out.
func (e *follower) lookAtAll() {
	for _, f := range e.filters.inOrder() {
		if f.wanted != nil {
			e.enrolment.enrol(f)
			e.look(f)
		}
	}
}

// look has the filter's rollout looked at before the step ends.
func (e *follower) look(f *filter) {
	if f.followed.setQueued(true) {
		e.queue = append(e.queue, f)
	}
}

// work looks at the queued filters.
func (e *follower) work() {
	for len(e.queue) > 0 {
		f := e.queue[0]
		e.queue = e.queue[1:]
		f.followed.setQueued(false)
		if !e.filters.has(f) {
			continue
		}
		if r := f.followed.record; r != nil && r != f.follows && f.wanted != nil {
			e.carryOut(f, r)
		}
		e.reporter.touch(f)
		e.leader.decide(f)
	}
	e.queue = nil
}

// enlist implements [shared].
func (e *follower) enlist(u *sub) bool { return e.enrolment.join(u) }

// left implements [shared].
func (e *follower) left(f *filter) {
	if c := f.candidate(); c != nil {
		e.enrolment.enrol(f)
	}
}

// judged implements [shared].
func (e *follower) judged(u *sub, r *snapshot.Revision, v verdict.Verdict) {
	e.tellVerdict(u.f, r, u.key(r), v)
}

// forgot has the ledger forget a filter without a spec, if this replica leads.
func (e *follower) forgot(name string) {
	w := e.followed.of(name)
	w.setLocal(nil, e.now)
	if w.record != nil && e.replica.mayPropose() {
		r := ledger.Record{Filter: name, Term: e.replica.term, Mod: w.record.Mod}
		e.tell(Propose{ledger.Proposal{Record: r, Gone: true}})
	}
}

// lost implements [shared].
func (e *follower) lost(u *sub, r *snapshot.Revision, silent bool) { e.notebook.lost(u, r, silent) }
