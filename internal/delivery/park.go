package delivery

import "slices"

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

// parkedAs is the reason to park a push of that class which must be alone.
func parkedAs(class int) parking {
	if class >= classUnproven {
		return parkedUnproven
	}
	return parkedProven
}

// parkedLike is the list of subscribers parked for that reason.
func (s *stream) parkedLike(why parking) *[]*sub {
	if why == parkedShared {
		return &s.held
	}
	return &s.parked
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

// release looks at all subscribers that wait for the answer to a shared response.
func (m *Machine) release(s *stream) {
	held := s.held
	s.held = nil
	for _, u := range held {
		u.parked = notParked
		m.touch(u)
	}
}

// sendAlone sends the most urgent push of a parked subscriber.
func (m *Machine) sendAlone(s *stream) {
	for len(s.parked) > 0 {
		u := m.nextAlone(s)
		s.unpark(u)
		if c := m.choose(u); m.needsPush(u, c) {
			m.push(m.newResponse(s), u, c)
			return
		}
	}
}

// nextAlone is the subscriber to send to next. Proven revisions (remote code) come first, then
// revisions no other Envoy tries at the moment.
func (m *Machine) nextAlone(s *stream) *sub {
	if at := slices.IndexFunc(s.parked, func(u *sub) bool { return u.parked == parkedProven }); at >= 0 {
		return s.parked[at]
	}
	if at := slices.IndexFunc(s.parked, func(u *sub) bool { return m.classOf(u, m.choose(u)) < classTriedElsewhere }); at >= 0 {
		return s.parked[at]
	}
	return s.parked[0]
}
