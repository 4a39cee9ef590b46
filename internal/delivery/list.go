package delivery

// moreFollow notes that what was sent last is not the last of what the stream gets now.
func (m *Machine) moreFollow(s *stream) {
	last := len(m.actions) - 1
	send := m.actions[last].(Send)
	send.More = true
	m.actions[last] = send
	s.outstanding[0].more = true
}

// sendList sends a SotW client something that it runs once more, the same bytes, if it was told
// that others follow and none does, or none that will be accepted for sure: it has not been told what
// it has accepted.
func (m *Machine) sendList(s *stream) {
	s.unlisted = false
	for _, u := range s.subs {
		if u.running != nil && !u.dirty {
			u.owed, u.replay = true, true
			m.push(u, choice{revision: u.running})
			return
		}
	}
}
