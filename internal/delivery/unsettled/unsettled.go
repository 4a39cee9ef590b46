// Package unsettled keeps the nodes that may have stored refused bytes.
//
// An Envoy stores the bytes of a push before the Envoy tries them. A node is unsettled from the
// push of an unproven revision until the node has taken a good revision, and a restarted server has
// to know the unsettled nodes. [Nodes] has the nodes of a filter. [Record] has the filters in the
// record on disk, and says when the record has to be written. Nothing here is safe for concurrent
// use.
// See docs/RATIONALE.md#why-is-the-last-good-revision-pushed-at-once-after-a-refusal.
package unsettled

import "maps"

const (
	// Limit bounds the nodes of a filter.
	Limit = 4096
	// announceLimit bounds the announced nodes of all filters. If many Envoys connect at the same
	// time, each has a revision to try, and every unproven push writes the whole record again.
	announceLimit = 1000
)

// Node has the known facts about an unsettled node.
type Node struct {
	Revision string // the unproven revision that the node was sent last; "": not known
	Envoy    string // the node's Envoy version; "": not known
}

// Nodes has the unsettled nodes of a filter, by node id. Use [NewNodes].
type Nodes struct {
	sent map[string]Node
	// announced are the nodes that are about to get an unproven revision.
	announced map[string]Node
	answered  uint64 // the record's seq when a node was dropped last
}

// NewNodes has no node.
func NewNodes() *Nodes { return &Nodes{sent: map[string]Node{}} }

// Len is the number of unsettled nodes, without the announced ones.
func (n *Nodes) Len() int { return len(n.sent) }

// Has says whether the node is unsettled.
func (n *Nodes) Has(id string) bool {
	_, is := n.sent[id]
	return is
}

// Revision is the unproven revision that the node was sent last; "": not known, or settled.
func (n *Nodes) Revision(id string) string { return n.sent[id].Revision }

// Sent has the unsettled nodes, without the announced ones. Read only.
func (n *Nodes) Sent() map[string]Node { return n.sent }

// Recorded has the nodes that a record names: the unsettled and the announced.
func (n *Nodes) Recorded() map[string]Node {
	nodes := maps.Clone(n.sent)
	for id, node := range n.announced {
		if _, sent := nodes[id]; !sent {
			nodes[id] = node
		}
	}
	return nodes
}

// Restore takes a node over from the record of a former process.
func (n *Nodes) Restore(id string, node Node) { n.sent[id] = node }

// Record has the filters with unsettled nodes, now or in the record on disk. A filter stays,
// without nodes, until the whole memory is saved with the answers of the nodes. Use [NewRecord].
type Record struct {
	filters   map[string]*Nodes // by name
	announced int               // the number of announced nodes of all filters
	seq       uint64            // of the last memory taken for the disk
	dirty     bool              // the record on disk is out of date
	awaited   bool              // a push waits for the write
	settled   func(filter, id string)
}

// OnSettled has a function called for each node that has taken a good revision.
func (r *Record) OnSettled(settled func(filter, id string)) { r.settled = settled }

// NewRecord is an empty record after the memory with the given number.
func NewRecord(seq uint64) *Record { return &Record{filters: map[string]*Nodes{}, seq: seq} }

// Filters has the nodes of the filters that the record names. Read only.
func (r *Record) Filters() map[string]*Nodes { return r.filters }

// NextSeq is the number of the next memory taken for the disk.
func (r *Record) NextSeq() uint64 {
	r.seq++
	return r.seq
}

// Add has the record name the filter, from now on.
func (r *Record) Add(filter string, n *Nodes) { r.filters[filter] = n }

// Change is Add, and has the record written.
func (r *Record) Change(filter string, n *Nodes) { r.filters[filter], r.dirty = n, true }

// IsAwaited says whether a push of this step waits for the write of the record.
func (r *Record) IsAwaited() bool { return r.awaited }

// TakeDirty says whether the record has to be written and whether a push waits for the write, and
// starts anew.
func (r *Record) TakeDirty() (dirty, awaited bool) {
	dirty, awaited = r.dirty, r.awaited
	r.dirty, r.awaited = false, false
	return dirty, awaited
}

// Saved notes that the memory with that number is on the disk. The record does not name a filter
// any more if all of its nodes had answered before.
func (r *Record) Saved(seq uint64) {
	maps.DeleteFunc(r.filters, func(_ string, n *Nodes) bool {
		return len(n.sent)+len(n.announced) == 0 && n.answered < seq
	})
}

// Unsettle notes that a node may have stored refused bytes. record says whether the record names
// the node: a name without a spec leaves nothing on the disk.
func (r *Record) Unsettle(filter string, n *Nodes, id string, node Node, record bool) {
	before, known := n.sent[id]
	written := r.Unannounce(n, id, node)
	if known && (node.Revision == "" || node.Revision == before.Revision) || !known && len(n.sent) >= Limit {
		return
	}
	n.sent[id] = node
	if !record {
		return
	}
	r.Change(filter, n)
	r.awaited = r.awaited || !written
}

// Settle notes that a node has taken a good revision.
func (r *Record) Settle(filter string, n *Nodes, id string) {
	if !n.Has(id) {
		return
	}
	delete(n.sent, id)
	if _, recorded := r.filters[filter]; recorded {
		r.dirty, n.answered = true, r.seq
	}
	if r.settled != nil {
		r.settled(filter, id)
	}
}

// CanAnnounce says whether there is room for another announced node.
func (r *Record) CanAnnounce() bool { return r.announced < announceLimit }

// NeedsAnnouncing says whether the record does not name the node yet, and may.
func (n *Nodes) NeedsAnnouncing(id string) bool {
	return n.announced[id] == (Node{}) && !n.Has(id) && len(n.sent)+len(n.announced) < Limit
}

// Announce has the record name a node ahead of its turn.
func (r *Record) Announce(filter string, n *Nodes, id string, node Node) {
	if n.announced == nil {
		n.announced = map[string]Node{}
	}
	n.announced[id] = node
	r.filters[filter] = n
	r.announced++
}

// Unannounce ends the announcement of a node, which counts for a single push, and says whether the
// record named the very revision.
func (r *Record) Unannounce(n *Nodes, id string, node Node) bool {
	written, announced := n.announced[id]
	if announced {
		delete(n.announced, id)
		r.announced--
	}
	return node.Revision != "" && written == node
}

// Promoted drops the announced nodes: their revision is everyone's now. An unsettled node stays
// until the node has taken a revision: the node may be away, and come back with the former
// revision. If there are very many unsettled nodes, most have gone for good.
func (r *Record) Promoted(n *Nodes) {
	before := len(n.sent) + len(n.announced)
	r.announced -= len(n.announced)
	clear(n.announced)
	if len(n.sent) > Limit/2 {
		clear(n.sent)
	}
	if len(n.sent) < before {
		r.dirty, n.answered = true, r.seq
	}
}

// Drop drops all nodes of a filter, which has no spec any more.
func (r *Record) Drop(filter string, n *Nodes) {
	r.announced -= len(n.announced)
	n.announced = nil
	clear(n.sent)
	if _, recorded := r.filters[filter]; recorded {
		delete(r.filters, filter)
		r.dirty = true
	}
}
