package delivery

import (
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/delivery/verdict"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// sender picks the next pushes of each stream, and makes the responses.
type sender struct {
	*step
	*noting
	cfg     *Config
	chooser *chooser
	fetches *fetches
	salts   *salts
	trying  map[verdict.Key]int // unproven pushes that are outstanding
	pool    pool
	shared  *response // of the present stream; more pushes may join the response
	later   buffer[next]
}

// next is a subscriber that needs a push.
type next struct {
	u *sub
	c choice
	class
}

// sendAll sends the next responses on every touched stream with room.
func (e *sender) sendAll() {
	e.eachStream(func(s *stream) {
		if e.hasRoom(s) || s.window.isFull() {
			e.sendNext(s)
		}
	})
}

// hasRoom says whether a push may be sent, alone or in a shared response.
func (e *sender) hasRoom(s *stream) bool {
	return e.shared != nil && s.window.hasRoom(e.cfg.Window) || s.mayRespond(e.cfg.Window)
}

// mustBeAlone says whether a push to the subscriber may be refused, as far as is known. Nothing
// else may be outstanding beside such a push.
func (e *sender) mustBeAlone(u *sub, c choice) bool {
	return c.unproven || !u.replays(c.revision) && e.variant(u, c.revision) == Remote
}

// sendNext looks at the stream's queue and sends as many pushes as there is room for, the most
// urgent first. Waiting subscribers stay in the queue, or are parked until their push can be alone.
// Subscribers that need nothing leave the queue, and so do subscribers with an outstanding
// response: the answer brings them back.
func (e *sender) sendNext(s *stream) {
	later, before := e.later.take(), len(s.outstanding)
	s.eachQueued(func() bool { return e.hasRoom(s) }, func(u *sub) (stays bool) {
		c := e.chooser.choose(u)
		if !e.needsPush(u, c) {
			return false
		}
		class := e.classOf(u, c)
		switch {
		case e.mustBeAlone(u, c):
			s.park(u, parkedAs(class))
			return false
		case class == s.firstClass() && e.place(u, c, class):
			return false
		default:
			later = append(later, next{u, c, class})
			return true
		}
	})
	placed := false
	for _, one := range later {
		if e.hasRoom(s) && e.place(one.u, one.c, one.class) {
			placed = true
		}
	}
	s.keepQueue(placed)
	e.later.give(later, someKeys)
	if !s.delta && len(s.outstanding) > before && len(s.queue) > 0 {
		s.moreFollow(before)
	}
	if len(s.outstanding) == 0 && s.unlisted {
		e.sendList(s)
	}
	if len(s.outstanding) == 0 {
		e.sendAlone(s)
	}
	e.shared = nil
	for _, r := range s.outstanding[before:] {
		e.send(s, r)
	}
}

func (e *sender) classOf(u *sub, c choice) class {
	switch {
	case c.unproven && e.trying[u.key(c.revision)] > 0:
		return classTriedElsewhere
	case c.unproven:
		return classUnproven
	case u.bare():
		return classBare
	default:
		return classProven
	}
}

// parkedAs is the reason to park a push of that class which must be alone.
func parkedAs(c class) parking {
	if c >= classUnproven {
		return parkedUnproven
	}
	return parkedProven
}

// needsPush says whether the subscriber needs a push now to run the choice. If not, needsPush sets
// the status and the time of the next look.
func (e *sender) needsPush(u *sub, c choice) bool {
	if !c.until.IsZero() {
		e.wakeSub(u, c.until)
	}
	if c.revision == nil {
		e.fetches.end(u)
		if c.state == Live || c.state == Rejected || c.serving != ServingNothing {
			u.setServing(c.serving)
		}
		e.setState(u, c.state, c.problem)
		return false
	}
	if !u.needs(c.revision) {
		e.fetches.end(u)
		e.arrived(u, c)
		return false
	}
	e.fetches.endOther(u, c.revision.ID)
	if u.fetch() == nil {
		e.setState(u, Pending, c.problem)
		return true
	}
	return e.fetches.isOver(u)
}

// arrived sets the status of a subscriber that runs the choice.
func (e *sender) arrived(u *sub, c choice) {
	u.setServing(c.serving)
	problem := c.problem
	if problem == nil {
		problem = u.fallBack(c.revision.ID)
	}
	if problem == nil {
		problem = e.fetches.problem(u)
	}
	e.setState(u, c.state, problem)
	u.tidy()
}

// variant is the way in which the revision's code reaches this subscriber.
// See docs/RATIONALE.md#why-is-code-inline-until-the-filter-runs-something.
func (e *sender) variant(u *sub, r *snapshot.Revision) Variant {
	if r.BuiltIn || u.bare() || u.f.wanted == nil {
		return Inline
	}
	switch u.f.wanted.Delivery {
	case spec.File:
		if u.takesFile(r.Module.SHA256) {
			return File
		}
	case spec.Remote:
		if u.takesRemote(r.Module.SHA256) && r.Module.Size <= e.cfg.RemoteLimit && (!u.s.ads || u.s.bareCount == 0) && e.fetches.mayBeRemote(u) {
			return Remote
		}
	case spec.Inline:
	}
	return Inline
}

// mayShare says whether the push may share a response, which is so if only a surprise would refuse
// it. The NACK of a shared response is a verdict on none of the resources, and Envoy may have taken
// some of them. In delta an Envoy does not tell which: it names the version before on its next
// stream, so only subscribers that run nothing share a response. Even a server that does not know
// of the NACK then believes nothing wrong. A SotW client gets everything again.
// See docs/RATIONALE.md#when-may-a-response-have-several-resources.
func (e *sender) mayShare(u *sub, c choice) bool {
	switch r := c.revision; {
	case u.s.singly || u.dirty || u.s.delta && !u.bare() || e.mustBeAlone(u, c):
		return false
	case u.replays(r):
		return true
	case r.BuiltIn:
		return !u.bare() // the type the Envoy asks for is not known yet
	default:
		return e.variant(u, r) == Inline || u.s.readsFiles
	}
}

// place puts a push into a response, shared or not, and says whether there was room. In delta a
// shareable push waits for the answer to the outstanding shared response, together with the pushes
// that come up meanwhile: Envoy asks for a filter at a time as it boots, and revisions become
// known to load.
func (e *sender) place(u *sub, c choice, class class) bool {
	s, shares := u.s, e.mayShare(u, c)
	switch {
	case shares && e.shared.takes(class) && s.window.hasRoom(e.cfg.Window):
	case shares && s.delta && s.isSharing():
		s.park(u, parkedShared)
		return true
	case s.mayRespond(e.cfg.Window):
		r := e.newResponse(s, class, shares)
		if shares {
			e.shared = r
		}
		e.push(r, u, c)
		return true
	default:
		return false
	}
	e.push(e.shared, u, c)
	return true
}

// newResponse adds a response to the outstanding responses of the stream.
func (e *sender) newResponse(s *stream, class class, shares bool) *response {
	r := e.pool.take()
	r.begin(e.now, class, shares)
	s.add(r)
	return r
}

// push adds the push for a subscriber's choice to a response.
func (e *sender) push(in *response, u *sub, c choice) {
	r, s := c.revision, u.s
	in.setAlone(e.mustBeAlone(u, c))
	p := push{u: u, rev: r, version: e.version(u, r), replay: u.replays(r), unproven: c.unproven}
	if p.version.Variant == Remote && !p.replay {
		e.fetches.begin(u, p.version)
	}
	if c.unproven {
		if e.unsettle(u, r.ID); e.record.IsAwaited() {
			e.announce(s)
		}
		e.trying[p.key()]++
	}
	e.pool.add(in, p)
	s.count(&p, e.cfg.Window)
}

// version is the version to send of r.
func (e *sender) version(u *sub, r *snapshot.Revision) Version {
	if u.replays(r) {
		return u.accepted.Unpack()
	}
	v := Version{Revision: r.ID, Variant: e.variant(u, r)}
	v.Salt = e.salts.of(v)
	if u.runs(r) && v.Pack() == u.accepted {
		// The version was sent before, but Envoy has stored other bytes since.
		e.salts.renew(v)
		v.Salt = e.salts.of(v)
	}
	return v
}

// send hands a complete response to the shell.
func (e *sender) send(s *stream, r *response) {
	e.wakeStream(s, e.now.Add(e.cfg.AckWait))
	first := &r.pushes[0]
	if first.unproven && e.replica != nil {
		e.noteFirst(s, first)
	}
	send := Send{Stream: s.id, Resource: first.resource(), Envoy: s.node.Version, Unproven: first.unproven, More: r.more}
	if others := r.pushes[1:]; len(others) > 0 {
		send.Others = make([]Resource, len(others))
		for i := range others {
			send.Others[i] = others[i].resource()
		}
	}
	e.tell(send)
}

// sendList sends a running resource to a SotW client once more, in the same bytes. The client was
// told that more responses follow. If none follows, or none that the client will surely accept, the
// client still needs the list of accepted versions.
func (e *sender) sendList(s *stream) {
	s.setUnlisted(false)
	for _, u := range s.subs {
		if u.running != nil && u.running.Module.SHA256 != "" && !u.dirty {
			u.owe()
			e.push(e.newResponse(s, classProven, false), u, choice{revision: u.running})
			return
		}
	}
}

// sendAlone sends the most urgent push of a parked subscriber.
func (e *sender) sendAlone(s *stream) {
	for len(s.alone) > 0 {
		u := e.nextAlone(s)
		s.unpark(u)
		if c := e.chooser.choose(u); e.needsPush(u, c) {
			e.push(e.newResponse(s, classProven, false), u, c)
			return
		}
	}
}

// nextAlone is the subscriber to send to next. Proven revisions (remote code) come first, then
// revisions no other Envoy tries at the moment.
func (e *sender) nextAlone(s *stream) *sub {
	if at := slices.IndexFunc(s.alone, func(u *sub) bool { return u.parked == parkedProven }); at >= 0 {
		return s.alone[at]
	}
	untried := func(u *sub) bool { return e.classOf(u, e.chooser.choose(u)) < classTriedElsewhere }
	if at := slices.IndexFunc(s.alone, untried); at >= 0 {
		return s.alone[at]
	}
	return s.alone[0]
}

// announce records nodes ahead of their turn: those with a parked unproven push. The record is
// written for another push anyway. A thousand edits at once then take one record, and not a
// thousand records that the pushes have to wait for. After a crash, an announced node that got
// nothing costs at most one push too many.
func (e *sender) announce(s *stream) {
	for _, u := range s.alone {
		if !e.record.CanAnnounce() {
			return
		}
		if u.parked != parkedUnproven || !u.f.nodes.NeedsAnnouncing(s.node.ID) {
			continue
		}
		if c := e.chooser.choose(u); c.unproven {
			e.record.Announce(u.f.name, u.f.nodes, s.node.ID, u.unsettles(c.revision.ID))
		}
	}
}

// take takes the response with the name off the stream; nil: there is none. The subscribers that
// waited for a shared response are looked at.
func (e *sender) take(s *stream, name string) *response {
	r := s.take(name, e.cfg.Window)
	if r != nil && r.shares {
		for _, u := range s.takeSharing() {
			e.touch(u)
		}
	}
	return r
}

// recycle takes back a response that is not needed any more.
func (e *sender) recycle(r *response) { e.pool.recycle(r) }

// takeOne takes a single name off the stream. The other pushes of the response stay.
func (e *sender) takeOne(s *stream, name string) (push, bool) {
	there := s.findOutstanding(name)
	if there < 0 {
		return push{}, false
	}
	r := s.outstanding[there]
	at := r.find(name)
	if len(r.pushes) > 1 {
		return s.takeOne(r, at, e.cfg.Window), true
	}
	p := r.pushes[at]
	e.recycle(e.take(s, name))
	return p, true
}

// tried notes that the answer to a push has come, or never will.
func (e *sender) tried(p *push) {
	if !p.unproven {
		return
	}
	key := p.key()
	if e.trying[key]--; e.trying[key] == 0 {
		delete(e.trying, key)
	}
}
