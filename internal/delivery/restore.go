package delivery

import (
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/unsettled"
	"github.com/wasm-xds/wasm-xds/internal/delivery/verdict"
)

// keeper makes the [Memory] from the machine's parts, and the parts from a memory.
type keeper struct {
	filters  *filters
	verdicts *verdict.Book
	record   *unsettled.Record
	freeze   *freeze
	pause    time.Duration // how long the Envoys of a rollout are awaited after a restart
}

// memory is the whole memory, untidy. The filters are sorted.
func (e keeper) memory() Memory {
	unsettled := e.unsettled()
	all := e.filters.inOrder()
	mem := Memory{
		Seq: unsettled.Seq, Unsettled: unsettled, Freeze: e.freeze.hold,
		Filters: make([]FilterMemory, 0, len(all)), Verdicts: make([]VerdictRecord, 0, e.verdicts.Len()),
	}
	for _, f := range all {
		if f.wanted != nil {
			mem.Filters = append(mem.Filters, f.memory())
		}
	}
	for key, v := range e.verdicts.All() {
		mem.Verdicts = append(mem.Verdicts, recordOf(key, v))
	}
	return mem
}

// unsettled is the small part of the memory with the unsettled nodes.
func (e keeper) unsettled() Unsettled {
	all := Unsettled{Seq: e.record.NextSeq(), Filters: map[string]UnsettledFilter{}}
	for name, nodes := range e.record.Filters() {
		f := e.filters.get(name)
		u := UnsettledFilter{Nodes: map[string]string{}, Envoys: map[string]string{}, Filter: f.memory(), Verdicts: e.verdictsOn(f)}
		for id, node := range nodes.Recorded() {
			u.Nodes[id], u.Envoys[id] = node.Revision, node.Envoy
		}
		all.Filters[name] = u
	}
	return all
}

// verdictsOn are the verdicts on the filter's revisions.
func (e keeper) verdictsOn(f *filter) (all []VerdictRecord) {
	for _, r := range f.all() {
		for key, v := range e.verdicts.On(r.ID) {
			all = append(all, recordOf(key, v))
		}
	}
	return all
}

// restore goes on where the memory left off.
func (e keeper) restore(mem Memory, now time.Time) {
	e.freeze.hold = mem.Freeze
	until := now.Add(e.pause)
	for _, fm := range mem.Filters {
		if fm.Wanted != nil {
			e.filters.ensure(fm.Name, now).restore(fm, until)
		}
	}
	e.restoreVerdicts(mem.Verdicts, now)
	for name, u := range mem.Unsettled.Filters {
		newer := mem.Unsettled.Seq > mem.Seq && u.Filter.Wanted != nil
		if !newer && e.filters.get(name) == nil {
			continue // no spec has the name
		}
		f := e.filters.ensure(name, now)
		for id, revision := range u.Nodes {
			f.nodes.Restore(id, unsettled.Node{Revision: revision, Envoy: u.Envoys[id]})
		}
		e.record.Add(name, f.nodes)
		if newer {
			f.restore(u.Filter, until)
			e.restoreVerdicts(u.Verdicts, now)
		}
	}
}

func (e keeper) restoreVerdicts(all []VerdictRecord, now time.Time) {
	for _, v := range all {
		e.verdicts.Restore(verdict.Key{Revision: v.Revision, Envoy: v.Envoy}, verdict.Verdict{Loads: v.Loads, Message: v.Message}, now)
	}
}

func recordOf(k verdict.Key, v verdict.Verdict) VerdictRecord {
	return VerdictRecord{Revision: k.Revision, Envoy: k.Envoy, Loads: v.Loads, Message: v.Message}
}
