package delivery

// Names without a spec come from the network alone, and each costs the machine some kilobytes. The
// machine counts them for each stream. Names with a spec are not bounded.

// countUnknown adds n to the counts if the subscriber's name has no spec.
func (m *Machine) countUnknown(u *sub, n int) {
	if u.f.wanted == nil {
		u.s.unknown += n
		m.unknown += n
	}
}

// countAllUnknown adds n to the counts for each subscriber of a filter without a spec.
func (m *Machine) countAllUnknown(f *filter, n int) {
	for _, u := range f.subs {
		m.countUnknown(u, n)
	}
}

// shedGreedy ends streams until all streams together ask for no more names without a spec than the
// limit. The stream with the most names ends first. Of two equal streams, the later ends.
func (m *Machine) shedGreedy() {
	for m.unknown > m.cfg.UnknownNames {
		var greediest *stream
		for _, id := range sortedKeys(m.streams) {
			if s := m.streams[id]; greediest == nil || s.unknown >= greediest.unknown {
				greediest = s
			}
		}
		if greediest == nil || greediest.unknown == 0 {
			return
		}
		m.actions = append(m.actions, EndStream{Stream: greediest.id})
		m.close(greediest.id)
	}
}
