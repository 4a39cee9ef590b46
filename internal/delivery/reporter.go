package delivery

import (
	"reflect"
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/ledger"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// reportEvery is the least time between two reports: at most two a second are written.
const reportEvery = 500 * time.Millisecond

// reporter tells the leader about the Envoys of this replica, in numbers.
type reporter struct {
	*step
	replica *replica
	filters *filters
	set     func() *snapshot.Snapshot
	counted map[string]struct{} // the filters with counts in the last report
	touched bool
	at      time.Time // when the next report may be told
	last    ledger.Presence
	told    bool
}

// soon has a report told if it differs from the last.
func (e *reporter) soon() { e.touched = true }

// touch is soon, if the filter is worth a count.
func (e *reporter) touch(f *filter) {
	_, was := e.counted[f.name]
	if was || f.candidate() != nil || len(unjudged(f)) > 0 {
		e.touched = true
	}
}

// unjudged are the groups without a verdict on the stable revision.
func unjudged(f *filter) (all []*group) {
	if f.stable == nil || f.wanted == nil {
		return nil
	}
	for _, g := range f.inOrder() {
		if _, judged := g.Verdict(f.stable); !judged && !g.IsForetold(f.stable) {
			all = append(all, g)
		}
	}
	return all
}

// report tells the report, at most twice a second.
func (e *reporter) report() {
	if !e.touched {
		return
	}
	if e.now.Before(e.at) {
		e.timers.add(e.at, due{})
		return
	}
	e.touched = false
	p := ledger.Presence{Replica: e.replica.name, Set: e.set().Version(), Seen: e.replica.seen}
	clear(e.counted)
	for _, f := range e.filters.inOrder() {
		counts := e.counts(f)
		if p.Counts = append(p.Counts, counts...); len(counts) > 0 {
			e.counted[f.name] = struct{}{}
		}
	}
	if e.told && reflect.DeepEqual(p, e.last) {
		return
	}
	e.told, e.last, e.at = true, p, e.now.Add(reportEvery)
	e.tell(Report{p})
}

// counts are the counts of a filter.
func (e *reporter) counts(f *filter) (all []ledger.Count) {
	if c := f.candidate(); c != nil {
		for _, g := range f.inOrder() {
			all = append(all, e.count(g, c))
		}
	}
	for _, g := range unjudged(f) {
		all = append(all, e.count(g, f.stable))
	}
	return all
}

// count is the count of a group for a revision.
func (e *reporter) count(g *group, r *snapshot.Revision) ledger.Count {
	c := ledger.Count{
		Filter: g.f.name, Revision: r.ID, Envoy: g.envoy, Size: len(g.subs), Preferred: g.selected, Canaries: g.Canaries(r),
		Loading: loadingIn(g, r),
	}
	named := g.f.followed.record.Canary(r.ID, g.envoy)
	for _, u := range g.subs {
		if u.runs(r) {
			c.Running++
		}
		if u.s.silent {
			c.Silent++
		} else if named != nil && named.Node == u.s.node.ID && u.against(r) == nil {
			c.Named = named.Node
		}
	}
	if _, judged := g.Verdict(r); !judged {
		c.Offer, c.Rank = offerOf(g, r)
	}
	return c
}

// isHere says whether this replica has the named canary of a revision.
func isHere(f *filter, r *snapshot.Revision, envoy, node string) bool {
	g := f.groups[envoy]
	return g != nil && slices.ContainsFunc(g.subs, func(u *sub) bool {
		return u.s.node.ID == node && !u.s.silent && u.against(r) == nil
	})
}
