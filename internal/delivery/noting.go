package delivery

import (
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/unsettled"
	"github.com/wasm-xds/wasm-xds/internal/ledger"
)

// noting notes the nodes that may hold refused bytes: in the record for the disk, and in the
// ledger.
type noting struct {
	*step
	replica *replica // nil: the server decides alone
	record  *unsettled.Record
}

// noteFirst has the ledger know the node before the send of an unproven revision.
func (e *noting) noteFirst(s *stream, p *push) {
	f, node := p.u.f, s.node.ID
	n := ledger.Note{
		Filter: f.name, Node: node, Revision: p.rev.ID, Envoy: s.node.Version, Replica: e.replica.name, Version: p.version.String(),
		Losses: p.u.suspect(p.rev).Losses,
	}
	f.followed.noted(n, e.now)
	n.Mod = f.followed.record.Mod
	e.tell(NoteFirst{Stream: s.id, Note: n})
}

// unsettle notes that the subscriber's node may hold refused bytes of a revision; "": the revision
// is not known.
func (e *noting) unsettle(u *sub, revision string) {
	e.record.Unsettle(u.f.name, u.f.nodes, u.s.node.ID, u.unsettles(revision), u.f.wanted != nil)
	if w := u.f.followed; w != nil && revision == "" && u.f.wanted != nil && !w.hasNote(u.s.node.ID) {
		n := ledger.Note{
			Filter: u.f.name, Node: u.s.node.ID, Envoy: u.s.node.Version, Replica: e.replica.name, Version: e.now.UTC().Format(time.RFC3339Nano),
		}
		w.noted(n, e.now)
		e.tell(Lost{Note: n})
	}
}

// unsettleLost notes that the answer to a push will not come, or is late. With replicas, a note in
// the ledger for each Envoy would cost more than it gains: the revisions of most pushes are known
// to load.
func (e *noting) unsettleLost(u *sub, p *push) {
	if e.replica == nil || u.dirty || p != nil && p.unproven {
		e.unsettle(u, "")
	}
}
