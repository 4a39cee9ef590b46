package delivery

import (
	"github.com/wasm-xds/wasm-xds/internal/delivery/unsettled"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

func (f *filter) isUnsettled(u *sub) bool { return f.unsettled.Has(u.s.node.ID) }

// tookIt says whether the subscriber accepted the very revision that unsettled the node. Then only
// the ACK was lost, with a stream or with the process.
func (f *filter) tookIt(u *sub) bool {
	revision := f.unsettled.Revision(u.s.node.ID)
	return revision != "" && u.accepted.isOf(revision)
}

// unsettle notes that the subscriber's node may hold refused bytes of a revision; "": the revision
// is not known.
func (m *Machine) unsettle(u *sub, revision string) {
	node := unsettled.Node{Revision: revision, Envoy: u.s.node.Version}
	m.record.Unsettle(u.f.name, u.f.unsettled, u.s.node.ID, node, u.f.wanted != nil)
}

// settle notes that the subscriber's node has taken a good revision.
func (m *Machine) settle(u *sub) { m.record.Settle(u.f.name, u.f.unsettled, u.s.node.ID) }

// announce records nodes ahead of their turn: those with a parked unproven push. The record is
// written for another push anyway. A thousand edits at once then take one record, and not a
// thousand records that the pushes have to wait for. After a crash, an announced node that got
// nothing costs at most one push too many.
func (m *Machine) announce(s *stream) {
	for _, u := range s.parked {
		if !m.record.CanAnnounce() {
			return
		}
		if u.parked != parkedUnproven || !u.f.unsettled.NeedsAnnouncing(s.node.ID) {
			continue
		}
		if c := m.choose(u); c.unproven {
			m.record.Announce(u.f.name, u.f.unsettled, s.node.ID, unsettled.Node{Revision: c.revision.ID, Envoy: s.node.Version})
		}
	}
}

// isCandidate says whether r is the candidate.
func (f *filter) isCandidate(r *snapshot.Revision) bool {
	c := f.candidate()
	return c != nil && c.ID == r.ID
}
