package delivery

// sendList sends a running resource to a SotW client once more, in the same bytes. The client was
// told that more responses follow. If none follows, or none that the client will surely accept, the
// client still needs the list of accepted versions.
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
