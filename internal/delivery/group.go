package delivery

import (
	"math"
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/delivery/verdict"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// group has the subscribers of one Envoy version that can run the filter.
type group struct {
	selected int // the number of subs selected by the canary policy
	envoy    string
	subs     []*sub
	trials   []*trial // nearly always one or none
	lookups  verdict.Cache
}

// trial has the canaries of a revision: the group's subscribers with the trial's bit in their
// trials.
type trial struct {
	revision string
	bit      uint16
	size     int // the number of canaries
	// waits is a canary that did not run the revision at the last look. With thousands of canaries,
	// the next look begins there. nil: none is known.
	waits *sub
}

// trial is the trial of a revision; nil: the revision has no canaries.
func (g *group) trial(revision string) *trial {
	for _, t := range g.trials {
		if t.revision == revision {
			return t
		}
	}
	return nil
}

func (t *trial) has(u *sub) bool { return t != nil && u.trials&t.bit != 0 }

// canaries is the number of canaries of a revision.
func (g *group) canaries(revision string) int {
	if t := g.trial(revision); t != nil {
		return t.size
	}
	return 0
}

// passed says whether there are canaries of r and all run r.
func (g *group) passed(r *snapshot.Revision) bool {
	t := g.trial(r.ID)
	if t == nil || t.size == 0 || t.isWaiting(r) {
		return false
	}
	from := 0
	if t.waits != nil {
		from = int(t.waits.atGroup) // the subscribers before it ran r at the last look
	}
	t.waits = nil
	for i := range g.subs {
		if u := g.subs[(from+i)%len(g.subs)]; t.has(u) && !u.runs(r) {
			t.waits = u
			return false
		}
	}
	return true
}

// dropTrials takes a subscriber out of all trials.
func (g *group) dropTrials(u *sub) {
	for _, t := range g.trials {
		if t.has(u) {
			t.size--
		}
	}
	u.trials = 0
}

// isWaiting says whether a canary is known not to run r yet.
func (t *trial) isWaiting(r *snapshot.Revision) bool {
	return t.waits != nil && t.has(t.waits) && !t.waits.runs(r)
}

// isLoading says whether a canary does not run r yet.
func (g *group) isLoading(r *snapshot.Revision) bool {
	t := g.trial(r.ID)
	return t != nil && t.size > 0 && (t.isWaiting(r) || slices.ContainsFunc(g.subs, func(u *sub) bool { return t.has(u) && !u.runs(r) }))
}

// addTrial makes a subscriber a canary.
func (g *group) addTrial(revision string, u *sub) {
	t := g.trial(revision)
	if t == nil {
		t = &trial{revision: revision, bit: g.freeBit()}
		g.trials = append(g.trials, t)
	}
	if !t.has(u) {
		u.trials |= t.bit
		t.size++
	}
}

// freeBit is a bit without a trial. There are more bits than revisions that may be served. If the
// bits are used up nevertheless, the oldest trial ends.
func (g *group) freeBit() uint16 {
	var taken uint16
	for _, t := range g.trials {
		taken |= t.bit
	}
	if taken == math.MaxUint16 {
		taken = g.trials[0].bit
		g.endTrial(g.trials[0].revision)
		return taken
	}
	return ^taken & (taken + 1)
}

// endTrial takes all canaries from a revision.
func (g *group) endTrial(revision string) {
	t := g.trial(revision)
	if t == nil {
		return
	}
	for _, u := range g.subs {
		u.trials &^= t.bit
	}
	g.trials = slices.DeleteFunc(g.trials, func(other *trial) bool { return other == t })
}

// inOrder returns the groups, sorted by version.
func (f *filter) inOrder() []*group {
	if f.ordered == nil {
		for _, envoy := range sortedKeys(f.groups) {
			f.ordered = append(f.ordered, f.groups[envoy])
		}
	}
	return f.ordered
}

// regroup puts the subscribers into new groups after a change of the wanted revision.
func (m *Machine) regroup(f *filter) {
	old := f.groups
	f.groups, f.ordered = map[string]*group{}, nil
	for _, u := range f.subs {
		u.forgetRefusals()
		before := u.trials
		m.join(u)
		// A canary still needed stays a canary.
		if g := old[u.s.node.Version]; g != nil && u.group != nil {
			for _, t := range g.trials {
				if before&t.bit != 0 && f.revision(t.revision) != nil {
					u.group.addTrial(t.revision, u)
				}
			}
		}
	}
}

// join puts a subscriber into the group of its version if it can run the filter.
func (m *Machine) join(u *sub) {
	u.group, u.trials, u.passedOver = nil, 0, false
	if !u.eligible() {
		return
	}
	envoy := u.s.node.Version
	g := u.f.groups[envoy]
	if g == nil {
		g = &group{envoy: envoy}
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

// leave takes a subscriber out of the group. The last subscriber takes the group along.
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
	g.dropTrials(u)
	if len(g.subs) == 0 {
		delete(u.f.groups, g.envoy)
		u.f.ordered = nil
	}
}

func (u *sub) tries(r *snapshot.Revision) bool {
	return u.trials != 0 && u.group != nil && u.group.trial(r.ID).has(u)
}

// add and drop keep the list of a filter's subscribers, which has no order.
func (f *filter) add(u *sub) {
	u.atFilter = int32(len(f.subs))
	f.subs = append(f.subs, u)
}

func (f *filter) drop(u *sub) {
	last := f.subs[len(f.subs)-1]
	f.subs[u.atFilter], last.atFilter = last, u.atFilter
	f.subs = dropLast(f.subs)
}

// dropLast shortens a list, and frees memory when most of the list is unused.
func dropLast(list []*sub) []*sub {
	last := len(list) - 1
	list[last] = nil
	if list = list[:last]; cap(list) > fewKeys && len(list) < cap(list)/4 {
		return slices.Clone(list)
	}
	return list
}
