package delivery

import (
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
	"github.com/wasm-xds/wasm-xds/internal/ledger"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// goneLimit bounds the ended subscribers a filter's status still shows.
const goneLimit = 20

// inOrder returns the groups, sorted by version.
func (f *filter) inOrder() []*group {
	f.sortGroups()
	return f.ordered
}

func (f *filter) sortGroups() {
	if f.ordered != nil {
		return
	}
	for _, envoy := range sortedKeys(f.groups) {
		f.ordered = append(f.ordered, f.groups[envoy])
		f.asGroups = append(f.asGroups, f.groups[envoy])
	}
}

func (f *filter) unsortGroups() {
	f.ordered, f.asGroups = nil, nil
	f.grouping++
}

// view is r before the filter's groups.
func (f *filter) view(r *snapshot.Revision) rollout.View {
	f.sortGroups()
	return rollout.View{Revision: r, Stable: f.stable, Groups: f.asGroups}
}

// facts are the facts that decide about the rollout of r.
func (f *filter) facts(r *snapshot.Revision, now time.Time) rollout.Facts {
	facts := rollout.Facts{View: f.view(r), WasStable: f.wasStable(r), Frozen: f.freeze.hold != nil, Now: now}
	if f.wanted != nil {
		facts.Policy, facts.Rollout, facts.RolledBack = f.wanted.Canary, &f.wanted.Rollout, f.wanted.RolledBack
	}
	return facts
}

// stoppedBy is the reason for which the rollout of r has stopped; nil: the rollout goes on.
func (f *filter) stoppedBy(r *snapshot.Revision) *Problem {
	now := calm{r, f.stable, f.wanted, f.verdicts.Changes(), f.grouping, f.rollout.Stops.Changes()}
	losses := f.rollout.HasManyLosses()
	if now == f.calm && !losses {
		return nil
	}
	view := f.view(r)
	if stop := f.rollout.Stopped(&view); stop != nil {
		return f.describe(stop, r)
	}
	if !losses {
		f.calm = now
	}
	return nil
}

// onTrial is the candidate, or the stable revision while an Envoy version has not judged the stable
// revision; nil: neither.
func (f *filter) onTrial() *snapshot.Revision {
	if c := f.candidate(); c != nil {
		return c
	}
	if s := f.stable; s != nil && f.wanted != nil && !f.wanted.Disabled && len(f.newTo(s)) > 0 {
		return s
	}
	return nil
}

// newTo are the groups that r is for and that have no verdict on r.
func (f *filter) newTo(r *snapshot.Revision) (groups []rollout.Group) {
	for _, g := range f.inOrder() {
		if _, judged := g.Verdict(r); !judged && !g.IsForetold(r) {
			groups = append(groups, g)
		}
	}
	return groups
}

// waitsForOthers says whether all subscribers are canaries of r and some do not run r yet. Then a
// further subscriber that runs r changes nothing. If thousands boot at the same time, the rollout
// need not be decided for each of them.
func (f *filter) waitsForOthers(r *snapshot.Revision) bool {
	waits := false
	for _, g := range f.inOrder() {
		all, waiting := g.isAllCanaries(r)
		if !all {
			return false
		}
		waits = waits || waiting
	}
	return waits
}

// hint notes the type that Envoys expect of the name, as long as it has no spec.
func (f *filter) hint(t spec.Type) {
	if f.wanted == nil && f.typeHint != t {
		f.typeHint = t
	}
}

// add and remove keep the list of the filter's subscribers.
func (f *filter) add(u *sub) {
	u.atFilter = int32(len(f.subs))
	f.subs = append(f.subs, u)
	f.states[u.state]++
}

func (f *filter) remove(u *sub) {
	f.subs = swapOut(f.subs, u.atFilter)
	if int(u.atFilter) < len(f.subs) {
		f.subs[u.atFilter].atFilter = u.atFilter
	}
	f.states[u.state]--
}

// join puts a subscriber into the group of its version if it can run the filter.
func (f *filter) join(u *sub) {
	u.group, u.badge, u.passedOver = nil, 0, false
	if !u.eligible() {
		return
	}
	envoy := u.s.node.Version
	g := f.groups[envoy]
	if g == nil {
		g = &group{f: f, envoy: envoy}
		f.groups[envoy] = g
		f.unsortGroups()
	}
	g.add(u)
}

// leave takes a subscriber out of the group. The last subscriber takes the group along.
func (f *filter) leave(u *sub) {
	g := u.group
	if g == nil {
		return
	}
	g.remove(u)
	if len(g.subs) == 0 {
		delete(f.groups, g.envoy)
		f.unsortGroups()
	}
}

// regroup puts the subscribers into new groups after a change of the wanted revision.
func (f *filter) regroup() {
	old := f.groups
	f.groups = map[string]*group{}
	f.unsortGroups()
	for _, u := range f.subs {
		u.dropOldRefusals()
		before := u.badge
		f.join(u)
		// A canary still needed stays a canary.
		if g := old[u.s.node.Version]; g != nil && u.group != nil {
			for _, t := range g.trials {
				if t.has(before) && f.find(t.revision) != nil {
					u.group.addCanary(t.revision, u)
				}
			}
		}
	}
}

// left keeps a subscriber that is gone for the status.
func (f *filter) left(st SubscriberStatus) {
	f.gone = append(f.gone, st)
	if len(f.gone) > goneLimit {
		f.gone = f.gone[1:]
	}
}

// isBack drops the gone subscribers of a node that is back.
func (f *filter) isBack(node string) {
	kept := f.gone[:0]
	for _, g := range f.gone {
		if g.Node.ID != node {
			kept = append(kept, g)
		}
	}
	f.gone = kept
}

// disown drops everything about the filter but its subscribers: no spec has the name any more.
func (f *filter) disown() {
	f.revisions.clear()
	f.gone, f.rollout = nil, rollout.Rollout{}
	f.idle.end()
	for _, u := range f.subs {
		u.disown()
	}
}

// content is a revision that the replica has the content of; nil: it has not.
func (f *filter) content(id string) *snapshot.Revision {
	if id == "" {
		return nil
	}
	if w := f.followed; w != nil {
		if w.local != nil && idOf(w.local.Revision) == id {
			return w.local.Revision
		}
		if r := w.contents[id]; r != nil {
			return r
		}
	}
	for _, r := range f.kept() {
		if r.ID == id {
			return r
		}
	}
	return nil
}

// isRun says whether an Envoy that is connected here runs a revision.
func (f *filter) isRun(r *snapshot.Revision) bool {
	return r != nil && slices.ContainsFunc(f.subs, func(u *sub) bool { return u.runs(r) })
}

// follow notes the record that was carried out.
func (f *filter) follow(r *ledger.Record) { f.follows = r }

// setLook notes the last timer, and says whether the timer is another than before.
func (f *filter) setLook(at time.Time) bool {
	if f.look.Equal(at) {
		return false
	}
	f.look = at
	return true
}
