package delivery

import (
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
	"github.com/wasm-xds/wasm-xds/internal/delivery/unsettled"
	"github.com/wasm-xds/wasm-xds/internal/delivery/verdict"
	"github.com/wasm-xds/wasm-xds/internal/ledger"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// notebook has the nodes that may hold refused bytes, of this replica and of others, as the ledger
// has them.
type notebook struct {
	*step
	replica  *replica
	followed followedBook
	peers    *peers
	filters  *filters
	verdicts *verdict.Book
	record   *unsettled.Record
	pause    time.Duration   // Config.CanaryPause
	look     func(f *filter) // has the filter's rollout looked at
}

// settleOld settles the nodes that this replica's disk names, and that have settled elsewhere
// meanwhile: the ledger had a note about each before an unproven revision was sent.
func (e *notebook) settleOld(f *filter) {
	var old []string
	for node, is := range f.nodes.Sent() {
		if is.Revision != "" && !f.followed.hasNote(node) {
			old = append(old, node)
		}
	}
	for _, node := range old {
		if !slices.ContainsFunc(f.subs, func(u *sub) bool { return u.s.node.ID == node && u.dirty }) {
			e.record.Settle(f.name, f.nodes, node)
		}
	}
}

// apply has a filter know the notes that came before its spec.
func (e *notebook) apply(f *filter) {
	for _, node := range sortedKeys(f.followed.notes) {
		if n := f.followed.notes[node]; !f.nodes.Has(node) {
			e.unsettle(f, n)
		}
	}
}

// noteChanged takes a note of the ledger.
func (e *notebook) noteChanged(n ledger.Note, gone bool) {
	w := e.followed.of(n.Filter)
	mine, known := w.notes[n.Node]
	f := e.filters.get(n.Filter)
	if gone {
		w.hasNotStored(n)
		if known && mine.Version == n.Version {
			w.settled(n.Node)
			if f != nil && f.wanted != nil {
				e.settleHere(f, n)
			}
		}
		return
	}
	w.hasStored(n)
	switch own := n.Replica == e.replica.name; {
	case own && known && mine.Replica == n.Replica:
		return // its own note, perhaps not the last one
	case own && !known && e.replica.synced:
		w.hasNotStored(n)
		e.tell(Settled{Notes: []ledger.Note{n}}) // the node has settled meanwhile
		return
	}
	w.noted(n, e.now)
	if f != nil && f.wanted != nil {
		e.unsettle(f, n)
	}
}

// settleHere notes that a node has taken a good revision on another replica.
func (e *notebook) settleHere(f *filter, n ledger.Note) {
	if !slices.ContainsFunc(f.subs, func(u *sub) bool { return u.s.node.ID == n.Node && u.dirty }) {
		e.record.Settle(f.name, f.nodes, n.Node)
	}
	if f.rollout.Suspect(n.Key(), n.Node).Losses == 0 {
		f.rollout.Acquit(n.Key(), n.Node, false)
	}
	e.look(f)
}

// unsettle notes that a node may have stored refused bytes of another replica.
func (e *notebook) unsettle(f *filter, n ledger.Note) {
	f.nodes.Restore(n.Node, unsettled.Node{Revision: n.Revision, Envoy: n.Envoy})
	e.record.Change(f.name, f.nodes)
	connected := false
	for _, u := range f.subs {
		if u.s.node.ID != n.Node {
			continue
		}
		connected = true
		if u.isUnsettled() {
			u.setDirty(true)
		} else if !u.dirty {
			e.record.Settle(f.name, f.nodes, n.Node) // only the answer was lost
		}
		e.touch(u)
	}
	key := n.Key()
	if n.Revision == "" || e.verdicts.Loads(key) {
		return
	}
	loss := rollout.Loss{Key: key, Node: n.Node, Losses: n.Losses}
	switch {
	case n.Silent:
		f.rollout.Heard(loss, rollout.WaitSilent, e.now, time.Time{})
	case f.rollout.Heard(loss, rollout.WaitBack, e.now, e.now.Add(e.pause)):
		e.wakeFilter(f, e.now.Add(e.pause))
	case !connected && e.replica.synced && !e.peers.has(n.Replica):
		e.doubt(f, n)
	}
	e.look(f)
}

// doubt makes a suspect of a node if its replica has gone.
func (e *notebook) doubt(f *filter, n ledger.Note) {
	if n.Revision == "" || n.Losses > 0 || e.verdicts.Loads(n.Key()) || f.rollout.Suspect(n.Key(), n.Node).Is() ||
		slices.ContainsFunc(f.subs, func(u *sub) bool { return u.s.node.ID == n.Node }) {
		return
	}
	until := e.now.Add(e.pause)
	f.rollout.Doubt(n.Key(), n.Node, e.now, until)
	e.wakeFilter(f, until)
}

// lost implements [shared].
func (e *notebook) lost(u *sub, r *snapshot.Revision, silent bool) {
	w := u.f.followed
	n, is := w.notes[u.s.node.ID]
	if !is || n.Revision != r.ID {
		return
	}
	n.Losses, n.Silent, n.Replica = u.suspect(r).Losses, silent, e.replica.name
	w.noted(n, e.now)
	e.tell(Lost{Note: n})
	e.look(u.f)
}

// settled has the ledger know that a node has taken a good revision.
func (e *notebook) settled(name, node string) {
	if all := e.followed.of(name).settled(node); len(all) > 0 {
		e.tell(Settled{Notes: all})
	}
}
