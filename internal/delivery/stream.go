package delivery

import (
	"slices"
	"strings"
)

// fewOutstanding is the room for responses that a stream keeps while none is outstanding.
const fewOutstanding = 4

// find is the place of a name in the stream's subscribers, or the place to insert the name.
func (s *stream) find(name string) (int, bool) {
	if n := len(s.subs); n > 0 && s.subs[n-1].f.name < name {
		return n, false // most names come in order
	}
	return slices.BinarySearchFunc(s.subs, name, func(u *sub, name string) int { return strings.Compare(u.f.name, name) })
}

// sub is the stream's subscriber of the name; nil: there is none.
func (s *stream) sub(name string) *sub {
	if at, there := s.find(name); there {
		return s.subs[at]
	}
	return nil
}

// expect makes room for names that the stream is about to ask for.
func (s *stream) expect(names int) {
	if len(s.subs) == 0 {
		s.subs = make([]*sub, 0, names)
	}
	s.expectLooks(names)
}

// expectLooks makes room for subscribers to look at.
func (s *stream) expectLooks(n int) { s.queue = slices.Grow(s.queue, n) }

// insert adds a new subscriber, which runs nothing yet.
func (s *stream) insert(at int, u *sub) {
	s.subs = slices.Insert(s.subs, at, u)
	s.bareCount++
	u.setAwaited(s.findOutstanding(u.f.name) >= 0)
}

// remove takes a subscriber off the stream.
func (s *stream) remove(u *sub) {
	u.setAccepted(Version{}, nil)
	s.bareCount--
	at, _ := s.find(u.f.name)
	s.subs = slices.Delete(s.subs, at, at+1)
	if u.parked != notParked {
		s.unpark(u)
	}
}

// identify notes the name by which the client is known, and the filters that it may have.
func (s *stream) identify(name string, may Access) { s.node.Identity, s.node.Access = name, may }

// countUnknown counts subscribers without a spec for their name.
func (s *stream) countUnknown(one load, n int) { s.unknown = s.unknown.plus(one, n) }

// firstClass is the most urgent class possible on the stream.
func (s *stream) firstClass() class {
	if s.bareCount > 0 {
		return classBare
	}
	return classProven
}

// enqueue has the subscriber looked at.
func (s *stream) enqueue(u *sub) {
	if u.parked != notParked {
		s.unpark(u)
	}
	u.queued = true
	s.queue = append(s.queue, u)
}

// setQueued says whether the step looks at the stream before it ends, and whether that is news.
func (s *stream) setQueued(is bool) (news bool) {
	news = s.isQueued != is
	s.isQueued = is
	return news
}

// eachQueued looks at the queued subscribers. Subscribers for which look returns true stay in the
// queue.
func (s *stream) eachQueued(hasRoom func() bool, look func(*sub) (stays bool)) {
	kept := s.queue[:0]
	for i := 0; i < len(s.queue); i++ {
		if i < s.waiting && !hasRoom() {
			// Seen before, and not looked at again before there is room.
			kept = append(kept, s.queue[i:s.waiting]...)
			i = s.waiting - 1
			continue
		}
		u := s.queue[i]
		u.queued = false
		if !u.closed && !u.awaited && look(u) {
			u.queued = true
			kept = append(kept, u)
		}
	}
	clear(s.queue[len(kept):])
	s.queue = kept
}

// keepQueue keeps the subscribers that wait on the stream, and frees memory once the stream is at
// rest. placed says the push of a waiting subscriber was placed meanwhile.
func (s *stream) keepQueue(placed bool) {
	if placed {
		s.queue = slices.DeleteFunc(s.queue, func(u *sub) bool {
			u.queued = !u.awaited && u.parked == notParked
			return !u.queued
		})
	}
	s.waiting = len(s.queue)
	if s.waiting+len(s.outstanding)+len(s.alone) == 0 && cap(s.queue) > fewOutstanding {
		s.queue = nil
	}
}

// park puts a subscriber aside until nothing is outstanding on the stream, or until a relevant fact
// changes. With hundreds of waiting subscribers, the machine need not look at each again.
func (s *stream) park(u *sub, as parking) {
	u.parked = as
	list := s.parkedLike(as)
	if *list == nil {
		*list = make([]*sub, 0, len(s.queue)) // many of a long queue may be parked
	}
	u.atParked = int32(len(*list))
	*list = append(*list, u)
}

// parkedLike is the list of subscribers parked for that reason.
func (s *stream) parkedLike(why parking) *[]*sub {
	if why == parkedShared {
		return &s.sharing
	}
	return &s.alone
}

// unpark takes a subscriber off the list. The last subscriber moves to the free place: the lists
// have no order.
func (s *stream) unpark(u *sub) {
	list := s.parkedLike(u.parked)
	u.parked = notParked
	last := len(*list) - 1
	moved := (*list)[last]
	(*list)[u.atParked], moved.atParked = moved, u.atParked
	(*list)[last] = nil
	if *list = (*list)[:last]; last == 0 {
		*list = nil
	}
}

// takeSharing takes all subscribers that wait for the answer to a shared response.
func (s *stream) takeSharing() []*sub {
	all := s.sharing
	s.sharing = nil
	for _, u := range all {
		u.parked = notParked
	}
	return all
}

// mayRespond says whether a further response may be sent. A SotW client tells only the last of
// several answers. In delta each response is answered by itself, so revisions known to load need
// not wait for one another.
// See docs/RATIONALE.md#why-are-several-responses-outstanding-at-a-time-in-delta.
func (s *stream) mayRespond(size int) bool {
	n := len(s.outstanding)
	return n == 0 || s.delta && !s.singly && s.window.hasRoom(size) && !s.window.isFull() && s.late == 0 && !s.outstanding[0].alone
}

// add puts a response among the outstanding ones.
func (s *stream) add(r *response) { s.outstanding = append(s.outstanding, r) }

// count counts a push that was put into an outstanding response.
func (s *stream) count(p *push, size int) {
	p.u.setAwaited(true)
	s.window.add(p.weight(), size, s.delta)
}

// uncount notes that a push is not outstanding any more.
func (s *stream) uncount(p *push, size int) {
	s.window.remove(p.weight(), size)
	p.u.setAwaited(false)
}

// findOutstanding is the place of the response with the name; less than 0: none is outstanding.
func (s *stream) findOutstanding(name string) int {
	return slices.IndexFunc(s.outstanding, func(r *response) bool { return r.find(name) >= 0 })
}

// isSharing says whether a shared response is outstanding.
func (s *stream) isSharing() bool {
	return slices.ContainsFunc(s.outstanding, func(r *response) bool { return r.shares })
}

// take takes the response with the name off the stream; nil: there is none.
func (s *stream) take(name string, size int) *response {
	at := s.findOutstanding(name)
	if at < 0 {
		return nil
	}
	r := s.outstanding[at]
	s.outstanding = slices.Delete(s.outstanding, at, at+1)
	if len(s.outstanding) == 0 && cap(s.outstanding) > fewOutstanding {
		s.outstanding = nil
	}
	if r.late {
		s.countLate(-1)
	}
	for i := range r.pushes {
		s.uncount(&r.pushes[i], size)
	}
	return r
}

// takeOne takes a push out of a response of several. The other pushes stay.
func (s *stream) takeOne(r *response, at, size int) push {
	p := r.pushes[at]
	r.pushes = slices.Delete(r.pushes, at, at+1)
	s.uncount(&p, size)
	return p
}

// takeAll takes all responses off a stream that has ended.
func (s *stream) takeAll() []*response {
	s.ended = true
	all := s.outstanding
	s.outstanding = nil
	return all
}

// setLate notes that a response has no answer in time.
func (s *stream) setLate(r *response) {
	r.late = true
	s.countLate(1)
}

// moreFollow says, in SotW, that more responses follow the response at that place.
func (s *stream) moreFollow(at int) { s.outstanding[at].more = true }

// setTimed says whether a timer will look at the outstanding responses, and whether that is news.
func (s *stream) setTimed(is bool) (news bool) {
	news = s.isTimed != is
	s.isTimed = is
	return news
}
