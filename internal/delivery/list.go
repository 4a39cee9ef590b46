package delivery

// sendList sends a SotW client something that it runs once more, the same bytes, if it was told
// that others follow and none does, or none that will be accepted for sure: it has not been told what
// it has accepted.
func (m *Machine) sendList(s *stream) {
	s.unlisted = false
	for _, u := range s.subs {
		if u.running != nil && u.running.Module.SHA256 != "" && !u.dirty {
			u.owed, u.replay = true, true
			m.push(m.newResponse(s), u, choice{revision: u.running})
			return
		}
	}
}
