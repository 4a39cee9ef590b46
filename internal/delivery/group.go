package delivery

import (
	"slices"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// group is the subscribers of one Envoy version that can run the filter.
type group struct {
	selected int // of subs, by the canary policy's selector
	envoy    string
	subs     []*sub
	trials   map[string]*trial // by revision
}

// trial is the canaries of a revision.
type trial struct {
	subs map[*sub]struct{}
	// waits is one of them that did not run the revision when somebody looked last: where
	// thousands take part, the next look begins with it. nil: none is known.
	waits *sub
}

// size is the number of canaries; nil has none.
func (t *trial) size() int {
	if t == nil {
		return 0
	}
	return len(t.subs)
}

func (t *trial) has(u *sub) bool {
	if t == nil {
		return false
	}
	_, ok := t.subs[u]
	return ok
}

// passed says whether there are canaries and all run r.
func (t *trial) passed(r *snapshot.Revision) bool {
	if t.size() == 0 || t.isWaiting(r) {
		return false
	}
	t.waits = nil
	for u := range t.subs {
		if !u.runs(r) {
			t.waits = u
			return false
		}
	}
	return true
}

// isWaiting says whether one of them is known not to run r yet.
func (t *trial) isWaiting(r *snapshot.Revision) bool {
	return t.waits != nil && t.has(t.waits) && !t.waits.runs(r)
}

// inOrder are the groups, sorted by version.
func (f *filter) inOrder() []*group {
	if f.ordered == nil {
		for _, envoy := range sortedKeys(f.groups) {
			f.ordered = append(f.ordered, f.groups[envoy])
		}
	}
	return f.ordered
}

// regroup sorts the subscribers anew after a change of what is wanted.
func (m *Machine) regroup(f *filter) {
	old := f.groups
	f.groups, f.ordered = map[string]*group{}, nil
	for _, u := range f.subs {
		u.forgetRefusals()
		m.join(u)
		// A canary that is still needed stays one.
		if g := old[u.s.node.Version]; g != nil && u.group != nil {
			for id, trial := range g.trials {
				if trial.has(u) {
					u.group.addTrial(id, u)
				}
			}
		}
	}
}

// join puts a subscriber into its group if it can run the filter.
func (m *Machine) join(u *sub) {
	u.group = nil
	if !u.eligible() {
		return
	}
	envoy := u.s.node.Version
	g := u.f.groups[envoy]
	if g == nil {
		g = &group{envoy: envoy, trials: map[string]*trial{}}
		u.f.groups[envoy], u.f.ordered = g, nil
	}
	u.group, u.atGroup = g, int32(len(g.subs))
	g.subs = append(g.subs, u)
	if u.isPreferred() {
		g.selected++
	}
}

// isPreferred says whether the spec's canary policy names the subscriber's node.
func (u *sub) isPreferred() bool {
	w := u.f.wanted
	return w != nil && w.Canary.Selector != nil &&
		w.Canary.Selector.Matches(u.s.node.ID, u.s.node.Cluster, u.s.node.Metadata)
}

// leave takes a subscriber out of its group; the group goes with the last one.
func (m *Machine) leave(u *sub) {
	g := u.group
	if g == nil {
		return
	}
	u.group = nil
	last := g.subs[len(g.subs)-1]
	g.subs[u.atGroup], last.atGroup = last, u.atGroup
	g.subs = dropLast(g.subs)
	if u.isPreferred() {
		g.selected--
	}
	for _, trial := range g.trials {
		delete(trial.subs, u)
	}
	if len(g.subs) == 0 {
		delete(u.f.groups, g.envoy)
		u.f.ordered = nil
	}
}

func (g *group) addTrial(id string, u *sub) {
	t := g.trials[id]
	if t == nil {
		t = &trial{subs: map[*sub]struct{}{}}
		g.trials[id] = t
	}
	t.subs[u] = struct{}{}
}

func (u *sub) tries(r *snapshot.Revision) bool {
	if u.group == nil {
		return false
	}
	t := u.group.trials[r.ID]
	return t.size() == len(u.group.subs) || t.has(u) // if all do: no need to look for one among thousands
}

// add and drop keep the list of a filter's subscribers, in no order.
func (f *filter) add(u *sub) {
	u.atFilter = int32(len(f.subs))
	f.subs = append(f.subs, u)
}

func (f *filter) drop(u *sub) {
	last := f.subs[len(f.subs)-1]
	f.subs[u.atFilter], last.atFilter = last, u.atFilter
	f.subs = dropLast(f.subs)
}

// dropLast shortens a list, and gives back memory when most of it is unused.
func dropLast(list []*sub) []*sub {
	last := len(list) - 1
	list[last] = nil
	if list = list[:last]; cap(list) > fewKeys && len(list) < cap(list)/4 {
		return slices.Clone(list)
	}
	return list
}
