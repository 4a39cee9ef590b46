package delivery

import "time"

// Running calls each with the filters that the Envoy of an open stream runs, by name, with their
// revisions. It is a cheap [Machine.Stream].
func (m *Machine) Running(id StreamID, each func(filter, revision string)) (Node, bool) {
	s := m.streams[id]
	if s == nil {
		return Node{}, false
	}
	for _, u := range s.subs {
		each(u.f.name, u.runningID())
	}
	return s.node, true
}

// WaveOf returns the wave under way of a filter's rollout, or of the watch after the promotion: its
// revision, its index and its begin. false: there is none.
func (m *Machine) WaveOf(filter string) (revision string, wave int, since time.Time, ok bool) {
	f := m.filters.get(filter)
	if f == nil || f.rollout.Way == nil {
		return "", 0, time.Time{}, false
	}
	w := f.rollout.Way
	return w.Revision, w.Wave, w.Waves[w.Wave].Since, true
}
