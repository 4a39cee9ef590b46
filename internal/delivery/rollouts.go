package delivery

import (
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
	"github.com/wasm-xds/wasm-xds/internal/delivery/unsettled"
	"github.com/wasm-xds/wasm-xds/internal/delivery/verdict"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// rollouts carries out the decisions of each filter's [rollout.Rollout], and tells it the events.
type rollouts struct {
	*step
	removed  *removed
	progress *progress
	record   *unsettled.Record
	verdicts *verdict.Book
	streams  streams
	pause    time.Duration // Config.CanaryPause
	needs    buffer[rollout.Canaries]
}

// rollOut takes the filter's rollout as far as possible: the rollout stops, gets canaries, or makes
// the candidate the stable revision.
func (e *rollouts) rollOut(f *filter) {
	e.removed.look(f)
	if c := f.candidate(); c != nil {
		e.decide(f, c)
	}
	if f.stable != nil {
		view := f.view(f.stable)
		needs := f.rollout.Newcomers(&view, e.now, e.needs.take())
		e.assign(f, f.stable, needs)
	}
}

func (e *rollouts) decide(f *filter, c *snapshot.Revision) {
	facts := f.facts(c, e.now)
	facts.WasStable = f.wasStable(c)
	d := f.rollout.Decide(&facts, e.needs.take())
	switch {
	case d.Stop != nil:
		for _, g := range f.groups {
			e.endTrial(g, c)
		}
	case d.Promote:
		e.promote(f, c)
	default:
		e.endRefusedTrials(f, c)
		e.assign(f, c, d.Canaries)
		if f.rollout.Passed(&facts) {
			e.promote(f, c)
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

func (e *rollouts) promote(f *filter, r *snapshot.Revision) {
	f.promote(r, e.now)
	f.rollout.Done()
	e.record.Promoted(f.nodes)
	for _, g := range f.groups {
		g.endTrial(r.ID)
	}
	e.save()
	e.change(f)
	for _, u := range f.subs {
		u.setPassedOver(false)
		// Nearly all subscribers run r by now, and need nothing.
		if !u.isDone(r) || !u.proven(r) {
			e.touch(u)
		}
	}
}

func (e *rollouts) endTrial(g *group, r *snapshot.Revision) {
	t := g.trials.of(r.ID)
	if t == nil {
		return
	}
	for _, u := range g.subs {
		if t.has(u.badge) {
			e.touch(u)
		}
	}
	g.endTrial(r.ID)
}

// endRefusedTrials ends the trials on versions that have refused r without stopping the rollout.
func (e *rollouts) endRefusedTrials(f *filter, r *snapshot.Revision) {
	for _, g := range f.inOrder() {
		if g.refuses(r) {
			e.endTrial(g, r)
		}
	}
}

// judge notes the verdict of the subscriber's Envoy version on r.
func (e *rollouts) judge(u *sub, r *snapshot.Revision, v verdict.Verdict) {
	if e.verdicts.Set(r, u.s.node.Version, v, e.now, e.streams.versions) {
		e.save()
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

// goOn continues a rollout by hand without the awaited canaries. Each Envoy version still gets a
// canary, if any Envoy can be asked: an unproven revision goes to a single Envoy first.
func (e *rollouts) goOn(f *filter, revision string) {
	c := f.onTrial()
	if c == nil || c.ID != revision || f.isCandidate(c) && f.stoppedBy(c) != nil {
		return
	}
	f.rollout.Promote(c.ID, f.isCandidate(c))
	if f.isCandidate(c) {
		e.save()
		e.passOver(f, c)
	}
	e.rollOut(f)
	e.touchFilter(f)
}

// passOver replaces the canaries that take long.
func (e *rollouts) passOver(f *filter, r *snapshot.Revision) {
	for _, g := range f.inOrder() {
		for _, u := range g.subs {
			if e.progress.isSlow(u, r) {
				u.setPassedOver(true)
				g.dropCanary(u)
			}
		}
	}
}
