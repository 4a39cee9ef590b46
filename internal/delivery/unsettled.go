package delivery

import "github.com/wasm-xds/wasm-xds/pkg/snapshot"

// unsettledNode is an Envoy that may have stored bytes it refused.
type unsettledNode struct {
	revision string // the unproven one that it was sent last; "": not known
	envoy    string // its version; "": not known
}

func (f *filter) isUnsettled(u *sub) bool {
	_, ok := f.unsettled[u.s.node.ID]
	return ok
}

// tookIt says whether the subscriber accepted the very revision that unsettled its
// node: only the word of it was lost, with a stream or with the process.
func (f *filter) tookIt(u *sub) bool {
	revision := f.unsettled[u.s.node.ID].revision
	return revision != "" && u.accepted.isOf(revision)
}

// unsettle notes that the subscriber's node may hold refused bytes, of that revision or, with "",
// of one that is not known.
func (m *Machine) unsettle(u *sub, revision string) {
	f, id := u.f, u.s.node.ID
	before, known := f.unsettled[id]
	written := m.wasAnnounced(u, revision)
	if known && (revision == "" || revision == before.revision) || !known && len(f.unsettled) >= unsettledLimit {
		return
	}
	f.unsettled[id] = unsettledNode{revision, u.s.node.Version}
	if f.wanted == nil {
		return // nothing of a name without a spec is written to the disk
	}
	m.unsettled[f] = struct{}{}
	m.persistUnsettled = true
	m.awaitUnsettled = m.awaitUnsettled || !written
}

// settle notes that the subscriber's node has taken something good.
func (m *Machine) settle(u *sub) {
	if !u.f.isUnsettled(u) {
		return
	}
	delete(u.f.unsettled, u.s.node.ID)
	if _, noted := m.unsettled[u.f]; noted {
		m.persistUnsettled, u.f.settled = true, m.seq
	}
}

// forgetNodes forgets which nodes would have been next. A node that may hold refused bytes is not forgotten before it has
// taken something: it may be away, and come back with its revision of before. But of very many, most have
// gone for good.
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

// isCandidate says whether r is on its way to all.
func (f *filter) isCandidate(r *snapshot.Revision) bool {
	c := f.candidate()
	return c != nil && c.ID == r.ID
}
