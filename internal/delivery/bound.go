package delivery

// Names without a spec come from the network alone, and each costs the machine some kilobytes.
// They are counted for each stream. Names that a spec has are as many as the user wants.

// countUnknown takes a subscriber into the count, or out of it, if no spec has its name.
func (m *Machine) countUnknown(u *sub, n int) {
	if u.f.wanted == nil {
		u.s.unknown += n
		m.unknown += n
	}
}

// countAllUnknown does so for all subscribers of a filter.
func (m *Machine) countAllUnknown(f *filter, n int) {
	for _, u := range f.subs {
		m.countUnknown(u, n)
	}
}

// shedGreedy ends the streams that ask for the most names without a spec, until all together ask
// for no more than they may. Of two that ask for as many, the later one ends.
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
