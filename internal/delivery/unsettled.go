package delivery

import "github.com/wasm-xds/wasm-xds/pkg/snapshot"

// unsettledNode is a node that may have stored bytes it refused.
// See docs/RATIONALE.md#why-is-the-last-good-revision-pushed-at-once-after-a-refusal.
type unsettledNode struct {
	revision string // the unproven revision the node was sent last; "": not known
	envoy    string // the node's Envoy version; "": not known
}

func (f *filter) isUnsettled(u *sub) bool {
	_, ok := f.unsettled[u.s.node.ID]
	return ok
}

// tookIt says whether the subscriber accepted the very revision that unsettled the node. Then only
// the ACK was lost, with a stream or with the process.
func (f *filter) tookIt(u *sub) bool {
	revision := f.unsettled[u.s.node.ID].revision
	return revision != "" && u.accepted.isOf(revision)
}

// unsettle notes that the subscriber's node may hold refused bytes of a revision; "": the revision
// is not known.
func (m *Machine) unsettle(u *sub, revision string) {
	f, id := u.f, u.s.node.ID
	before, known := f.unsettled[id]
	written := m.wasAnnounced(u, revision)
	if known && (revision == "" || revision == before.revision) || !known && len(f.unsettled) >= unsettledLimit {
		return
	}
	f.unsettled[id] = unsettledNode{revision, u.s.node.Version}
	if f.wanted == nil {
		return // the disk gets nothing about a name without a spec
	}
	m.unsettled[f] = struct{}{}
	m.persistUnsettled = true
	m.awaitUnsettled = m.awaitUnsettled || !written
}

// settle notes that the subscriber's node has taken a good revision.
func (m *Machine) settle(u *sub) {
	if !u.f.isUnsettled(u) {
		return
	}
	delete(u.f.unsettled, u.s.node.ID)
	if _, noted := m.unsettled[u.f]; noted {
		m.persistUnsettled, u.f.settled = true, m.seq
	}
}

// forgetNodes forgets the nodes that were about to get the candidate. A node that may hold refused
// bytes stays until it has taken a revision: the node may be away, and come back with its former
// revision. If there are very many such nodes, most of them have gone for good.
func (m *Machine) forgetNodes(f *filter) {
	before := len(f.unsettled) + len(f.announced)
	m.announced -= len(f.announced)
	clear(f.announced)
	if len(f.unsettled) > unsettledLimit/2 {
		clear(f.unsettled)
	}
	if len(f.unsettled) < before {
		m.persistUnsettled, f.settled = true, m.seq
	}
}

// isCandidate says whether r is the candidate.
func (f *filter) isCandidate(r *snapshot.Revision) bool {
	c := f.candidate()
	return c != nil && c.ID == r.ID
}
