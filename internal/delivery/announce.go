package delivery

import "maps"

// announceLimit bounds how much is written down beside what is sent: where many Envoys connect
// at the same time each of them has something to try, and what is written is written again
// with each push.
const announceLimit = 1000

// announce has all that is not known to load, and waits for its turn on the stream, written down
// with the push that is written down anyway: a thousand edits at once are one record, not
// a thousand, each of which the next push would wait for. To say that a node may hold
// what it has not got yet costs it no more than a push too many, after a crash.
func (m *Machine) announce(s *stream) {
	for _, u := range s.parked {
		if m.announced >= announceLimit {
			return
		}
		if u.parked != parkedUnproven || u.f.announced[s.node.ID] != (unsettledNode{}) || u.f.isUnsettled(u) || len(u.f.unsettled)+len(u.f.announced) >= unsettledLimit {
			continue
		}
		if c := m.choose(u); c.unproven {
			if u.f.announced == nil {
				u.f.announced = map[string]unsettledNode{}
			}
			u.f.announced[s.node.ID] = unsettledNode{c.revision.ID, s.node.Version}
			m.unsettled[u.f] = struct{}{}
			m.announced++
		}
	}
}

// wasAnnounced says whether it is written down already that the subscriber may get the
// revision. What it says once counts for one push.
func (m *Machine) wasAnnounced(u *sub, revision string) bool {
	written, announced := u.f.announced[u.s.node.ID]
	if announced {
		delete(u.f.announced, u.s.node.ID)
		m.announced--
	}
	return revision != "" && written == unsettledNode{revision, u.s.node.Version}
}

// noted are the nodes of a filter that a record names.
func (f *filter) noted() map[string]unsettledNode {
	nodes := maps.Clone(f.unsettled)
	for id, node := range f.announced {
		if _, sent := nodes[id]; !sent {
			nodes[id] = node
		}
	}
	return nodes
}
