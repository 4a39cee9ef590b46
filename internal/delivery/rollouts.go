package delivery

import (
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
	"github.com/wasm-xds/wasm-xds/internal/delivery/unsettled"
	"github.com/wasm-xds/wasm-xds/internal/delivery/verdict"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// rollouts carries out the decisions of each filter's [rollout.Rollout], and tells it the events.
type rollouts struct {
	*step
	removed  *removed
	progress *progress
	record   *unsettled.Record
	verdicts *verdict.Book
	streams  streams
	halts    halts
	pause    time.Duration // Config.CanaryPause
	needs    buffer[rollout.Canaries]
	shared   shared // nil: the server decides alone
}

// shared is a fleet that several replicas decide about. It gets the events that rollouts would
// decide about alone.
type shared interface {
	look(f *filter)
	enlist(u *sub) bool
	left(f *filter)
	judged(u *sub, r *snapshot.Revision, v verdict.Verdict)
	lost(u *sub, r *snapshot.Revision, silent bool)
}

// share has a fleet decide.
func (e *rollouts) share(with shared) { e.shared = with }

// rollOut takes the filter's rollout as far as possible: the rollout stops, gets canaries, or makes
// the candidate the stable revision.
func (e *rollouts) rollOut(f *filter) {
	e.removed.look(f)
	if e.shared != nil {
		e.shared.look(f)
		return
	}
	if c := f.candidate(); c != nil {
		e.decide(f, c)
	} else if f.rollout.Way.IsWatched() {
		e.watch(f)
	}
	if f.stable != nil {
		view := f.view(f.stable)
		needs := f.rollout.Newcomers(&view, e.now, e.needs.take())
		e.assign(f, f.stable, needs)
	}
}

// decide takes the rollout of the candidate wave by wave as far as possible.
func (e *rollouts) decide(f *filter, c *snapshot.Revision) {
	for {
		facts := f.facts(c, e.now)
		if f.wanted.Type == spec.Service {
			// Envoys take a service when they restart, so there is nothing to roll out.
			e.promote(f, c, &facts)
			return
		}
		d := f.rollout.Decide(&facts, e.needs.take())
		switch {
		case d.Stop != nil:
			e.halts.stop(f, c, *d.Stop)
			return
		case d.Promote:
			e.promote(f, c, &facts)
			return
		}
		e.halts.endRefusedTrials(f, c)
		e.assign(f, c, d.Canaries)
		p := f.rollout.Advance(&facts)
		e.halts.carryOut(f, c, &p)
		switch {
		case p.Stop != nil:
			e.halts.stop(f, c, *p.Stop)
			return
		case p.Promote:
			e.promote(f, c, &facts)
			return
		case !p.Further:
			return
		}
	}
}

// assign makes subscribers canaries of r until each group has as many as it needs.
func (e *rollouts) assign(f *filter, r *snapshot.Revision, needs []rollout.Canaries) {
	for _, need := range needs {
		if !need.SuspectsUntil.IsZero() {
			e.wakeFilter(f, need.SuspectsUntil)
		}
		for _, u := range pickCanaries(need, r, e.now) {
			u.group.addCanary(r.ID, u)
			e.touch(u)
			e.change(f)
			e.progress.watchCanaries(f)
		}
	}
	e.needs.give(needs, fewKeys)
}

// enlist makes a new subscriber a canary at once if all subscribers are canaries (the zero policy),
// and says whether the subscriber became a canary. If thousands of Envoys connect at the same time,
// rollOut would search all subscribers for each of them.
func (e *rollouts) enlist(u *sub) bool {
	if e.shared != nil {
		return e.shared.enlist(u)
	}
	f := u.f
	c := f.candidate()
	if c == nil || u.group == nil || u.against(c) != nil {
		return false
	}
	if facts := f.facts(c, e.now); !f.rollout.MayJoin(&facts, u.group) {
		return false
	}
	u.group.addCanary(c.ID, u)
	e.change(f)
	e.progress.watchCanaries(f)
	return true
}

func (e *rollouts) promote(f *filter, r *snapshot.Revision, facts *rollout.Facts) {
	former, watched := f.stable, !facts.IsDirect() && f.wanted.Rollout.Health != nil && f.wanted.Rollout.Health.After > 0
	f.promote(r, e.now)
	if watched {
		f.rollout.Way.Watch(former.ID, e.now)
	} else {
		f.rollout.Done()
	}
	e.record.Promoted(f.nodes)
	for _, g := range f.groups {
		g.endTrial(r.ID)
	}
	e.save()
	e.change(f)
	if facts.Lingers() {
		e.tell(RolloutMoved{Name: f.name, Revision: r.ID, Moved: rollout.Moved{Move: rollout.Promoted, Wave: "all"}})
	}
	for _, u := range f.subs {
		u.setPassedOver(false)
		// Nearly all subscribers run r by now, and need nothing.
		if !u.isDone(r) || !u.proven(r) {
			e.touch(u)
		}
	}
	if watched {
		e.watch(f)
	}
}

// judge notes the verdict of the subscriber's Envoy version on r.
func (e *rollouts) judge(u *sub, r *snapshot.Revision, v verdict.Verdict) {
	if e.verdicts.Set(r, u.s.node.Version, v, e.now, e.streams.versions) {
		e.save()
		if e.shared != nil {
			e.shared.judged(u, r, v)
		}
	}
}

// judged continues the rollout after a canary's answer.
func (e *rollouts) judged(u *sub, r *snapshot.Revision) {
	f := u.f
	if f.stable != nil && f.stable.ID == r.ID && u.group != nil {
		u.group.endTrial(r.ID)
		for _, other := range u.group.subs {
			e.touch(other)
		}
	}
	e.rollOut(f)
}

// lose notes that a canary's answer will not come: the stream has ended, or the canary is silent.
// If the stream has ended, the canary may have crashed, and the group waits for its return.
func (e *rollouts) lose(u *sub, r *snapshot.Revision, why rollout.Reason) {
	var until time.Time
	if why == rollout.WaitBack {
		until = e.now.Add(e.pause)
	}
	if !u.f.rollout.Lose(u.key(r), u.s.node.ID, why, e.now, until) {
		return
	}
	if !until.IsZero() {
		e.wakeFilter(u.f, until)
	}
	if e.shared != nil {
		e.shared.lost(u, r, why == rollout.WaitSilent)
	}
	e.change(u.f)
}

// acquit notes that an Envoy has answered for a revision, and says whether that ends a suspicion.
func (e *rollouts) acquit(u *sub, r *snapshot.Revision) bool {
	if r.BuiltIn || !u.f.rollout.HasSuspects() {
		return false
	}
	key := u.key(r)
	return u.f.rollout.Acquit(key, u.s.node.ID, e.verdicts.Loads(key))
}

// doubt makes suspects of the nodes that got an unproven revision from the former process: that
// process ended before their answers were known.
func (e *rollouts) doubt(f *filter) {
	until := e.now.Add(e.pause)
	for node, is := range f.nodes.Sent() {
		if key := verdict.Key(is); is.Revision != "" && !e.verdicts.Loads(key) {
			f.rollout.Doubt(key, node, e.now, until)
		}
	}
	if f.rollout.HasSuspects() {
		e.wakeFilter(f, until)
	}
}

// fellSilent takes the subscribers of a silent stream out of their trials. Other Envoys of the
// version become canaries. If there are none, the other versions go on without this version.
func (e *rollouts) fellSilent(s *stream) {
	s.setSilent(true)
	for _, u := range s.subs {
		if u.badge == 0 {
			continue
		}
		u.group.dropCanary(u)
		e.change(u.f)
		e.rollOut(u.f)
	}
}

// mayHaveSpoken takes a silent stream back into the rollouts once no answer is late any more.
func (e *rollouts) mayHaveSpoken(s *stream) {
	if !s.silent || s.late > 0 {
		return
	}
	s.setSilent(false)
	for _, u := range s.subs {
		if u.group == nil {
			continue
		}
		if c := u.f.candidate(); c != nil && u.runs(c) {
			u.group.addCanary(c.ID, u)
		}
		e.change(u.f)
		e.rollOut(u.f)
	}
}

// watch notes the time of the watch after a promotion.
func (e *rollouts) watch(f *filter) {
	h := f.wanted.Rollout.Health
	if h == nil || h.After <= 0 || !sameRevision(f.wanted.Revision, f.stable) {
		f.rollout.Done() // the spec does not ask for the watch any more
		e.save()
		return
	}
	p, over := f.rollout.Way.WatchOn(h.After, len(f.subs) > 0, e.now)
	e.halts.carryOut(f, f.stable, &p)
	if over {
		f.rollout.Done()
		e.change(f)
	}
}

// left notes that an Envoy with the candidate has gone. It is awaited before another Envoy gets the
// candidate in its place.
func (e *rollouts) left(u *sub) {
	f := u.f
	if e.shared != nil {
		e.shared.left(f)
		return
	}
	c := f.candidate()
	if c == nil || !u.tries(c) || !u.runs(c) || !f.lingers(c, e.now) {
		return
	}
	until := e.now.Add(e.pause)
	f.rollout.Way.Left(u.s.node.ID, u.s.node.Version, e.now, until)
	e.wakeFilter(f, until)
}

// isBack makes a subscriber a canary again that was one before its stream ended, or before the
// server did. An Envoy that runs the candidate keeps it.
func (e *rollouts) isBack(u *sub) {
	c := u.f.candidate()
	if e.shared != nil || c == nil || u.group == nil || u.against(c) != nil || u.f.stoppedBy(c) != nil {
		return
	}
	was := u.f.rollout.Way.Back(u.s.node.ID, u.s.node.Version, u.runs(c), e.now)
	if was || u.runs(c) && u.f.lingers(c, e.now) {
		u.group.addCanary(c.ID, u)
		e.change(u.f)
	}
}
