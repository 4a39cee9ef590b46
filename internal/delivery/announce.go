package delivery

import "maps"

// announceLimit bounds the announced nodes. If many Envoys connect at the same time, each has a
// revision to try, and every unproven push writes the whole record again.
const announceLimit = 1000

// announce records nodes ahead of their turn: those with a parked unproven push. The record is
// written for another push anyway. A thousand edits at once then take one record, and not a
// thousand records that the pushes have to wait for. After a crash, an announced node that got
// nothing costs at most one push too many.
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

// wasAnnounced says whether the record already names the subscriber's node with the revision. An
// announcement counts for one push.
func (m *Machine) wasAnnounced(u *sub, revision string) bool {
	written, announced := u.f.announced[u.s.node.ID]
	if announced {
		delete(u.f.announced, u.s.node.ID)
		m.announced--
	}
	return revision != "" && written == unsettledNode{revision, u.s.node.Version}
}

// noted are the nodes of a filter a record names.
func (f *filter) noted() map[string]unsettledNode {
	nodes := maps.Clone(f.unsettled)
	for id, node := range f.announced {
		if _, sent := nodes[id]; !sent {
			nodes[id] = node
		}
	}
	return nodes
}
