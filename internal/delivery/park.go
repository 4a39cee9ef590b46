package delivery

import "slices"

// park puts a subscriber aside until nothing is outstanding on its stream, or something
// that has to do with it changes: with hundreds of them nobody looks at each again and again.
func (s *stream) park(u *sub, as parking) {
	u.parked = as
	list := s.parkedLike(as)
	if *list == nil {
		*list = make([]*sub, 0, len(s.queue)) // of many that are looked at, many may be parked
	}
	u.atParked = int32(len(*list))
	*list = append(*list, u)
}

// parkedAs is why a push of that class is parked that must be alone.
func parkedAs(class int) parking {
	if class >= classUnproven {
		return parkedUnproven
	}
	return parkedProven
}

// parkedLike is the list of those that are parked for that reason.
func (s *stream) parkedLike(why parking) *[]*sub {
	if why == parkedShared {
		return &s.held
	}
	return &s.parked
}

// unpark takes it back. The last takes its place: among hundreds there is no order to keep.
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

// release has all looked at that wait for a response of several to be answered.
func (m *Machine) release(s *stream) {
	held := s.held
	s.held = nil
	for _, u := range held {
		u.parked = notParked
		m.touch(u)
	}
}

// sendAlone sends the most urgent of what is parked.
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

// nextAlone is who comes first: what is known to load (remote code), then what nobody else
// tries just now.
func (m *Machine) nextAlone(s *stream) *sub {
	if at := slices.IndexFunc(s.parked, func(u *sub) bool { return u.parked == parkedProven }); at >= 0 {
		return s.parked[at]
	}
	if at := slices.IndexFunc(s.parked, func(u *sub) bool { return m.classOf(u, m.choose(u)) < classTriedElsewhere }); at >= 0 {
		return s.parked[at]
	}
	return s.parked[0]
}
