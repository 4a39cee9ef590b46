package delivery

// salt returns the salt for a content. Inline and file contents share theirs, so one resource
// serves all Envoys. The salt of a remote content is the token of the push.
func (m *Machine) salt(v Version) string {
	key := saltKey{v.Revision, v.Variant}
	if salt, ok := m.salts[key]; ok && v.Variant != Remote {
		return salt
	}
	m.newSalt(key)
	return m.salts[key]
}

// nextSalt makes sure that bytes which may have been refused are never sent again.
// See docs/RATIONALE.md#why-does-the-server-never-send-refused-bytes-again.
func (m *Machine) nextSalt(p *push) {
	m.newSalt(saltKey{p.version.Revision, p.version.Variant})
}

// newSalt gives a content a salt no content of this process ever had.
func (m *Machine) newSalt(key saltKey) {
	m.counter++
	m.salts[key] = salt(m.cfg.Epoch, m.counter)
}
