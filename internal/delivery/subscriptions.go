package delivery

import (
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
	"github.com/wasm-xds/wasm-xds/internal/delivery/unsettled"
	"github.com/wasm-xds/wasm-xds/internal/delivery/verdict"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// subscriptions keeps the streams and their subscribers.
type subscriptions struct {
	*step
	streams  streams
	filters  *filters
	chooser  *chooser
	rollouts *rollouts
	fetches  *fetches
	sender   *sender
	answers  *answers
	removed  *removed
	record   *unsettled.Record
	statuses *statuses
	standIns Substitutes
	unknown  *unknown
}

// madeAtOnce is how many subscribers are allocated at once: those of a stream come and go together.
// This number fills a size class of the allocator.
const madeAtOnce = 85

// request handles a discovery request of a stream: the answer, then the changes of the
// subscription.
func (e *subscriptions) request(s *stream, r Requested) {
	e.touchStream(s)
	if r.Answer != nil {
		e.answers.answered(s, *r.Answer)
	}
	for _, name := range r.Unsubscribe {
		if u := s.sub(name); u != nil {
			u.close()
			s.remove(u)
			e.remove(u)
		}
	}
	// The names are counted before anything is made for them.
	if !e.makeRoom(s, e.furtherUnknown(s, r.Subscribe)) {
		return
	}
	s.expect(len(r.Subscribe))
	var made []sub
	for i, subscription := range r.Subscribe {
		if i%madeAtOnce == 0 {
			made = make([]sub, min(madeAtOnce, len(r.Subscribe)-i))
		}
		e.subscribe(s, subscription, &made[i%madeAtOnce])
	}
}

func (e *subscriptions) subscribe(s *stream, r Subscription, made *sub) {
	u := e.join(s, r.Name, made)
	f := u.f
	accepted, known := ParseVersion(r.Accepted)
	if !known && r.Accepted != "" {
		// Another server's version: the Envoy runs an unknown revision.
		accepted = Version{Revision: "", Variant: Inline, Salt: r.Accepted}
	}
	u.names(accepted, e.known(u, accepted), r.Accepted == "" || r.Replay, r.Replay && known)
	s.readFile(known && accepted.Variant == File)
	e.fetches.end(u)
	u.setDirty(u.isUnsettled())
	f.rollout.Adopt(s.node.ID, s.node.Version)
	e.believe(u)
	e.rollouts.isBack(u)
	e.change(f)
	if !e.rollouts.enlist(u) || f.stable != nil || !u.bare() {
		e.rollouts.rollOut(f) // an unsettled node is the canary still
	}
	if !u.dirty {
		e.record.Settle(f.name, f.nodes, s.node.ID)
	}
	e.touch(u)
}

// join is the stream's subscriber of the name. A new subscriber is made in the given memory.
func (e *subscriptions) join(s *stream, name string, made *sub) *sub {
	f := e.filters.ensure(name, e.now)
	at, there := s.find(name)
	if there {
		return s.subs[at]
	}
	now := e.offset(e.now)
	*made = sub{f: f, s: s, joined: now, since: now}
	made.setBarred(!s.node.mayHave(name))
	s.insert(at, made)
	f.add(made)
	e.unknown.count(made, 1)
	f.isBack(s.node.ID)
	f.join(made)
	e.mayStop(made)
	return made
}

// believe takes the Envoy's word: it runs the version that it says it has accepted, because refused
// bytes are never sent again.
func (e *subscriptions) believe(u *sub) {
	r, envoy := u.running, u.s.node.Version
	if r == nil || u.isBarred() {
		return // the word of a client that may not have the filter counts for nothing
	}
	if _, judged := u.f.verdicts.Of(r, envoy); judged {
		return
	}
	e.rollouts.judge(u, r, verdict.Verdict{Loads: true})
	e.rollouts.acquit(u, r)
	if g := u.f.groups[envoy]; g != nil {
		for _, other := range g.subs {
			e.touch(other) // it need not wait for its canary any more
		}
	}
}

// mayStop looks at all subscribers if the first Envoy of a version comes that has refused the
// candidate: the rollout stops, and waiting subscribers get another revision.
func (e *subscriptions) mayStop(u *sub) {
	c := u.f.candidate()
	if c != nil && u.group != nil && len(u.group.subs) == 1 && u.group.refuses(c) {
		e.touchFilter(u.f)
	}
}

// known finds the revision of an accepted version.
func (e *subscriptions) known(u *sub, v Version) *snapshot.Revision {
	if v == (Version{}) {
		return nil
	}
	if r := u.f.find(v.Revision); r != nil {
		return r
	}
	if c := e.chooser.choose(u); c.revision != nil && c.revision.ID == v.Revision {
		return c.revision
	}
	return e.knownStandIn(u, v.Revision)
}

// knownStandIn recognises a stand-in sent for another reason than the present one, or by another
// release.
func (e *subscriptions) knownStandIn(u *sub, id string) *snapshot.Revision {
	runtime := u.s.node.runtimeOf()
	known := e.standIns.Known(u.f.name, runtime, id)
	if known == nil {
		return nil
	}
	// A stand-in this release makes, too, can be sent again.
	if r := e.standIns.Passthrough(u.f.name, known.Type, runtime); r.ID == id {
		return r
	}
	for _, reason := range denyReasons {
		if r := e.standIns.Deny(u.f.name, known.Type, reason, runtime); r.ID == id {
			return r
		}
	}
	return known
}

// remove takes a subscriber out of everything but the stream.
func (e *subscriptions) remove(u *sub) {
	u.close()
	e.fetches.end(u)
	e.fetches.noInline(u)
	e.record.Unannounce(u.f.nodes, u.s.node.ID, unsettled.Node{})
	u.f.remove(u)
	e.unknown.count(u, -1)
	e.rollouts.left(u)
	u.f.leave(u)
	e.change(u.f)
	e.rollouts.rollOut(u.f)
	e.removed.dropUnasked(u.f)
}

// changeAccess takes another access of a stream's client. A filter that the client may not have any
// more is replaced by a deny, and a filter that it may have from now on is sent.
func (e *subscriptions) changeAccess(s *stream, a AccessChanged) {
	s.identify(a.Identity, a.Access)
	for _, u := range s.subs {
		e.change(u.f)
		if !u.setBarred(!s.node.mayHave(u.f.name)) {
			continue
		}
		e.fetches.end(u)
		u.f.leave(u)
		u.f.join(u)
		e.mayStop(u)
		e.rollouts.enlist(u)
		e.rollouts.rollOut(u.f)
		e.touch(u)
	}
}

// end handles the end of a stream. All outstanding responses are lost.
func (e *subscriptions) end(s *stream) {
	delete(e.streams, s.id)
	lost := e.answers.lost(s)
	e.loseUnsubscribed(lost)
	for _, u := range s.subs {
		p, is := lost[u]
		if u.dirty || is {
			e.sender.unsettleLost(u, p.push)
		}
		u.f.left(e.statuses.gone(u))
		u.close()
		if p.mayBeACrash {
			e.rollouts.lose(u, p.rev, rollout.WaitBack)
		}
		e.remove(u)
	}
}

// loseUnsubscribed notes the losses of subscribers that ended before their stream: an Envoy that
// asks for a filter anew may still crash of the push from before.
func (e *subscriptions) loseUnsubscribed(lost map[*sub]loss) {
	var all []*sub
	for u, p := range lost {
		if u.closed && p.mayBeACrash && e.filters.get(u.f.name) == u.f {
			all = append(all, u)
		}
	}
	slices.SortFunc(all, func(a, b *sub) int { return strings.Compare(a.f.name, b.f.name) })
	for _, u := range all {
		e.rollouts.lose(u, lost[u].rev, rollout.WaitBack)
	}
}

// shedGreedy ends streams until all streams together are within the budgets for names without a
// spec.
func (e *subscriptions) shedGreedy() { e.makeRoom(nil, load{}) }

// makeRoom ends streams until the budgets have room for a further load of the stream s. The
// greediest stream ends first. false: s was the greediest, and has ended.
func (e *subscriptions) makeRoom(s *stream, further load) bool {
	for {
		b, is := e.unknown.over(further)
		if !is {
			return true
		}
		greediest := e.unknown.greediest(e.streams, b, s, further)
		if greediest == nil {
			return true
		}
		e.tell(EndStream{Stream: greediest.id, Over: b})
		e.end(greediest)
		if greediest == s {
			return false
		}
	}
}

// furtherUnknown is the load of the names that are new to the stream and have no spec.
func (e *subscriptions) furtherUnknown(s *stream, all []Subscription) (further load) {
	for _, one := range all {
		if f := e.filters.get(one.Name); f == nil || f.wanted == nil && s.sub(one.Name) == nil {
			further = further.plus(load{1, len(one.Name)}, 1)
		}
	}
	return further
}
