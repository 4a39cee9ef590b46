package delivery

// Names are all names a spec or an Envoy has, sorted.
func (m *Machine) Names() []string {
	all := m.filters.inOrder()
	names := make([]string, len(all))
	for i, f := range all {
		names[i] = f.name
	}
	return names
}

// History has every revision of a filter that may still be served, and the last few that Envoys
// refused, the revision that became wanted last first. nil: no spec has the name.
func (m *Machine) History(name string) []RevisionStatus {
	f := m.filters.get(name)
	if f == nil {
		return nil
	}
	return m.statuses.history(f)
}

// Streams are the ids of the open streams, sorted.
func (m *Machine) Streams() []StreamID { return sortedKeys(m.streams) }

// Stream is an open stream with its subscribers, sorted by name; false: the stream is not open.
func (m *Machine) Stream(id StreamID) (StreamStatus, bool) {
	s := m.streams[id]
	if s == nil {
		return StreamStatus{}, false
	}
	return m.statuses.stream(s), true
}

// Trials are the trials of all filters, sorted by name. The Envoys of a trial are sorted by node.
func (m *Machine) Trials() (all []Trial) {
	for _, f := range m.filters.inOrder() {
		if t, is := m.statuses.trial(f); is {
			all = append(all, t)
		}
	}
	return all
}

// Unreached is the number of connected Envoys that do not reach the module server.
func (m *Machine) Unreached() int { return m.fetches.unreached() }
