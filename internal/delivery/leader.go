package delivery

import (
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
	"github.com/wasm-xds/wasm-xds/internal/delivery/verdict"
	"github.com/wasm-xds/wasm-xds/internal/ledger"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// leader decides about the rollouts of the fleet while this replica leads. It changes nothing: a
// decision goes to the ledger as a proposal, and every replica carries it out when the ledger has
// it.
type leader struct {
	*step
	replica *replica
	peers   *peers
	orders  *orders
	halts   halts
	pause   time.Duration // Config.CanaryPause
}

// decide proposes the filter's next record, if it differs from the present one.
func (e *leader) decide(f *filter) {
	w := f.followed
	if !e.replica.mayPropose() || w.draft != nil || w.local == nil || f.wanted == nil || e.isAtRest(f) {
		return
	}
	d := e.begin(f)
	for _, c := range w.commands {
		e.orders.obey(f, d, c)
	}
	w.ended()
	for _, l := range w.takeLooks() {
		e.orders.looked(f, d, l)
	}
	if !e.want(f, d) {
		e.goOn(f, d)
	}
	e.propose(f, d)
}

// isAtRest says whether there is nothing to decide. Most filters are at rest, and it is asked for
// each Envoy that connects.
func (e *leader) isAtRest(f *filter) bool {
	w := f.followed
	return w.record != nil && w.record.Mod != 0 && !w.setBack && len(w.commands)+len(w.looks) == 0 && f.candidate() == nil && !f.rollout.Way.IsWatched() &&
		idOf(w.described(w.local, f.content).Revision) == w.record.Wanted && len(e.unproven(f)) == 0
}

// unproven are the versions without a verdict of the ledger on the stable revision.
func (e *leader) unproven(f *filter) (groups []rollout.Group) {
	if f.stable == nil {
		return nil
	}
	others := e.peers.tellsOf(f.name)
	if !others {
		judged := true
		for _, g := range f.inOrder() {
			judged = judged && (e.replica.isConfirmed(verdict.Key{Revision: f.stable.ID, Envoy: g.envoy}) || g.IsForetold(f.stable))
		}
		if judged {
			return nil
		}
	}
	for _, g := range fleetGroups(f, f.stable, e.replica, e.peers) {
		if _, judged := g.Verdict(f.stable); !judged && !g.IsForetold(f.stable) {
			groups = append(groups, g)
		}
	}
	return groups
}

// begin makes a draft of the present decisions.
func (e *leader) begin(f *filter) *draft {
	d := &draft{revisions: f.revisions.clone(), rollout: f.rollout.Clone()}
	if r := f.followed.record; r != nil {
		d.record = *r
		d.save = r.Mod == 0 || f.followed.setBack
	} else {
		d.record = ledger.Record{Filter: f.name}
		d.save = true
	}
	return d
}

// want begins the rollout of what the source describes, and says whether that is another revision.
func (e *leader) want(f *filter, d *draft) bool {
	w := f.followed
	described := rolledBack(w.local, d.record.Rollback, f.content)
	if back := d.record.Rollback; back != nil && w.local.Revision != nil && !back.Concerns(w.local.Revision.ID) {
		d.record.Rollback = nil // an edit of the spec ends it
	}
	r := described.Revision
	if r == nil || r.ID == d.record.Wanted || e.isBehind(f, r) {
		return false
	}
	if c := f.content(d.record.Wanted); c != nil && c.ID != d.record.Stable {
		loads, refused := f.verdicts.Outcomes(c.ID)
		d.revisions.keepTried(c, loads, refused, true)
	}
	d.revisions.want(described, true, e.now)
	d.rollout.Begin(r)
	d.record.Wanted, d.record.Shares, d.record.Promoted = r.ID, nil, ""
	d.keepCanaries(func(c *ledger.Canary) bool { return c.Revision == d.record.Stable })
	return true
}

// isBehind says whether the revision that this replica's source describes is an earlier one, and
// the source was not edited since this replica leads: the source of a new leader may lag behind.
func (e *leader) isBehind(f *filter, r *snapshot.Revision) bool {
	w := f.followed
	until := e.replica.ledSince.Add(e.pause)
	if w.record == nil || f.wish(r.ID).At.IsZero() || !w.changedAt.Before(e.replica.ledSince) || !e.now.Before(until) {
		return false
	}
	e.wakeFilter(f, until)
	return true
}

// keepCanaries drops the named canaries that are not kept.
func (d *draft) keepCanaries(keep func(*ledger.Canary) bool) {
	var kept []ledger.Canary
	for i := range d.record.Canaries {
		if c := &d.record.Canaries[i]; keep(c) {
			kept = append(kept, *c)
		}
	}
	d.record.Canaries = kept
}

// goOn takes the rollout, or the watch, as far as possible.
func (e *leader) goOn(f *filter, d *draft) {
	c := f.candidate()
	switch {
	case c != nil && c.ID == d.record.Wanted:
		e.rollOut(f, d, c)
	case f.rollout.Way.IsWatched():
		e.watch(f, d)
	}
	if s := f.stable; s != nil && idOf(d.revisions.stable) == s.ID {
		e.review(f, d, s)
		view := rollout.View{Revision: s, Stable: s, Groups: fleetGroups(f, s, e.replica, e.peers)}
		e.assign(f, d, s, d.rollout.Newcomers(&view, e.now, nil))
	}
}

// facts are the facts of the whole fleet about a revision.
func (e *leader) facts(f *filter, d *draft, r *snapshot.Revision) rollout.Facts {
	facts := f.facts(r, e.now)
	facts.Groups = fleetGroups(f, r, e.replica, e.peers)
	return facts
}

// rollOut takes the rollout of the candidate as far as possible without the replicas.
func (e *leader) rollOut(f *filter, d *draft, c *snapshot.Revision) {
	e.review(f, d, c)
	for {
		facts := e.facts(f, d, c)
		decision := d.rollout.Decide(&facts, nil)
		switch {
		case decision.Stop != nil:
			e.stop(f, d, c, *decision.Stop)
			return
		case decision.Promote:
			e.promote(f, d, c, &facts)
			return
		}
		if e.assign(f, d, c, decision.Canaries) || !e.isCaught(f) {
			return // the replicas have to carry it out first
		}
		p := d.rollout.Advance(&facts)
		e.note(f, d, c, &p)
		switch {
		case p.Stop != nil:
			e.stop(f, d, c, *p.Stop)
			return
		case p.Promote:
			e.promote(f, d, c, &facts)
			return
		case !p.Further:
			return
		}
	}
}

// isCaught says whether all replicas have carried out the present shares.
func (e *leader) isCaught(f *filter) bool {
	at := f.followed.allotted
	return e.replica.seen >= at && e.peers.haveSeen(at) && f.followed.record != nil
}

// note notes the requests of an advance of the rollout.
func (e *leader) note(f *filter, d *draft, r *snapshot.Revision, p *rollout.Progress) {
	if !p.Look.IsZero() {
		e.wakeFilter(f, p.Look)
	}
	d.save = d.save || p.Save
	for _, m := range p.Moves {
		d.moves = append(d.moves, RolloutMoved{Name: f.name, Revision: r.ID, Moved: m})
	}
}

// stop stops the rollout.
func (e *leader) stop(f *filter, d *draft, r *snapshot.Revision, stop rollout.Stop) {
	d.stop(stop, e.halts.moved(f, r, stop), e.now)
	d.record.Shares = nil
	d.keepCanaries(func(c *ledger.Canary) bool { return c.Revision != r.ID })
}

// promote makes the candidate the stable revision.
func (e *leader) promote(f *filter, d *draft, r *snapshot.Revision, facts *rollout.Facts) {
	former, health := f.stable, f.wanted.Rollout.Health
	d.revisions.promote(r, e.now)
	if !facts.IsDirect() && health != nil && health.After > 0 {
		d.rollout.Way.Watch(former.ID, e.now)
	} else {
		d.rollout.Done()
	}
	d.record.Shares = nil
	d.keepCanaries(func(c *ledger.Canary) bool { return c.Revision == r.ID && !e.isJudged(c) })
	if facts.Lingers() {
		d.moves = append(d.moves, RolloutMoved{Name: f.name, Revision: r.ID, Moved: rollout.Moved{Move: rollout.Promoted, Wave: "all"}})
	}
}

func (e *leader) isJudged(c *ledger.Canary) bool {
	return e.replica.isConfirmed(verdict.Key{Revision: c.Revision, Envoy: c.Envoy})
}

// watch goes on with the watch after a promotion.
func (e *leader) watch(f *filter, d *draft) {
	h := f.wanted.Rollout.Health
	if h == nil || h.After <= 0 || !sameRevision(f.wanted.Revision, f.stable) {
		d.rollout.Done()
		return
	}
	size := 0
	for _, g := range fleetGroups(f, f.stable, e.replica, e.peers) {
		size += g.Size()
	}
	p, over := d.rollout.Way.WatchOn(h.After, size > 0, e.now)
	e.note(f, d, f.stable, &p)
	if over {
		d.rollout.Done()
	}
}

// review drops the named canaries of a revision that will not answer. Others are named for them.
func (e *leader) review(f *filter, d *draft, r *snapshot.Revision) {
	d.keepCanaries(func(c *ledger.Canary) bool {
		key := verdict.Key{Revision: c.Revision, Envoy: c.Envoy}
		if c.Revision != r.ID || e.isJudged(c) {
			return true
		}
		suspect, one := f.rollout.Suspect(key, c.Node), canaryKey{c.Node, key}
		switch {
		case isHere(f, r, c.Envoy, c.Node) || e.peers.isNamed(f.name, r.ID, c.Envoy, c.Node):
			f.followed.found(one)
			return !suspect.IsLost()
		case suspect.IsLost(), suspect.Why == rollout.WaitSilent && suspect.Since.After(c.Since):
			return false
		}
		until := f.followed.isMissing(one, e.now).Add(e.pause)
		if suspect.Until.After(until) {
			until = suspect.Until
		}
		if e.now.Before(until) {
			e.wakeFilter(f, until)
			return true
		}
		f.followed.found(one)
		return false
	})
}

// assign names canaries and gives shares as the needs ask for, and says whether the rollout waits
// for that.
func (e *leader) assign(f *filter, d *draft, r *snapshot.Revision, needs []rollout.Canaries) (news bool) {
	for i := range needs {
		need := &needs[i]
		if !need.SuspectsUntil.IsZero() {
			e.wakeFilter(f, need.SuspectsUntil)
		}
		g := need.Group.(*fleetGroup)
		if g.proven(r) {
			news = d.share(g, need) || news
			continue
		}
		if d.record.Canary(r.ID, g.envoy) != nil {
			continue
		}
		node, replica := g.offer(need, e.now)
		if until := f.followed.triedUntil(verdict.Key{Revision: r.ID, Envoy: g.envoy}, node, e.now, e.pause); !until.IsZero() {
			e.wakeFilter(f, until)
			news = true // another node may still answer: nothing passes before
			continue
		}
		if node != "" {
			d.record.Canaries = append(d.record.Canaries[:len(d.record.Canaries):len(d.record.Canaries)], ledger.Canary{
				Node: node, Envoy: g.envoy, Revision: r.ID, Replica: replica, Since: e.now.UTC().Round(0),
			})
			news = true
		}
	}
	return news
}

// share gives the replicas their shares of a group, and says whether they differ from before.
func (d *draft) share(g *fleetGroup, need *rollout.Canaries) bool {
	var all []ledger.Share
	for _, s := range d.record.Shares {
		if s.Envoy != g.envoy {
			all = append(all, s)
		}
	}
	all = append(all, g.shares(need.Number, need.Prefer != nil)...)
	if slices.Equal(all, d.record.Shares) {
		return false
	}
	d.record.Shares = all
	return true
}

// propose hands the draft to the ledger, unless it decides nothing new.
func (e *leader) propose(f *filter, d *draft) {
	w := f.followed
	d.complete(f.rollout.Losses(d.record.Wanted))
	if !d.save && len(d.done) == 0 && w.record != nil && sameRecord(&d.record, w.record) {
		f.rollout.Way = d.rollout.Way // its clocks have run
		return
	}
	d.record.Seq++
	d.record.Term = e.replica.term
	w.propose(d)
	e.tell(Propose{ledger.Proposal{
		Record: d.record, Contents: d.news(w.contents, d.content(f)), Done: d.done, Ended: d.ended, DropRefusals: d.retried,
	}})
}

// content finds a revision of the draft.
func (d *draft) content(f *filter) func(id string) *snapshot.Revision {
	return func(id string) *snapshot.Revision {
		if r := d.revisions.find(id); r != nil {
			return r
		}
		for _, r := range d.revisions.refused {
			if r.ID == id {
				return r
			}
		}
		return f.content(id)
	}
}
