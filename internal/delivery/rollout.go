package delivery

import (
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/unsettled"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// filter has everything about one name: the wanted and the known revisions, and the subscribers.
type filter struct {
	name   string
	wanted *snapshot.Filter // nil: no spec has this name
	since  time.Time        // when the wanted revision became wanted
	stable *snapshot.Revision
	older  []*snapshot.Revision // newest first
	wishes []Wish               // when the revisions became wanted, as far as known

	// typeHint is the type Envoys expect of a name without a spec; "": http is tried first.
	typeHint spec.Type
	// unsettled has the nodes that may have stored bytes they refused.
	unsettled *unsettled.Nodes
	// suspects are the nodes that were lost while they loaded an unproven revision.
	suspects suspects
	promoted string    // the revision promoted by hand, without canaries; "": none
	timer    time.Time // the last timer set
	slowAt   time.Time // when to look for slow canaries; zero: no look is planned
	slow     bool      // there are slow canaries
	told     string    // the last report of the rollout, see [Machine.tellOfRollout]
	// stableSince is when the stable revision became everyone's; zero: not known.
	stableSince time.Time
	refused     []*snapshot.Revision // revisions Envoys refused, the newest first; for the history alone
	// idleSince is when the spec was removed or the last stream for the filter ended, the later of
	// the two; zero: a spec has the name, or a stream asks for the filter.
	idleSince   time.Time
	forgetTimer time.Time // the last timer set
	changed     Action    // the Changed action of this filter
	hasChanged  bool      // in the present step

	subs    []*sub
	states  [numStates]int32  // the number of subs in each state
	groups  map[string]*group // by Envoy version
	ordered []*group          // groups by version; nil: not sorted yet
	gone    []SubscriberStatus
}

// revisions are all revisions that may still be served.
func (f *filter) revisions() []*snapshot.Revision {
	var all []*snapshot.Revision
	if f.wanted != nil && f.wanted.Revision != nil {
		all = append(all, f.wanted.Revision)
	}
	if f.stable != nil {
		all = append(all, f.stable)
	}
	return append(all, f.older...)
}

func (f *filter) revision(id string) *snapshot.Revision {
	switch {
	case f.wanted != nil && f.wanted.Revision != nil && f.wanted.Revision.ID == id:
		return f.wanted.Revision
	case f.stable != nil && f.stable.ID == id:
		return f.stable
	}
	for _, r := range f.older {
		if r.ID == id {
			return r
		}
	}
	return nil
}

// candidate is the wanted revision while it rolls out; nil: there is none.
func (f *filter) candidate() *snapshot.Revision {
	w := f.wanted
	if w == nil || w.Revision == nil || w.Disabled || sameRevision(w.Revision, f.stable) ||
		w.Removed && w.OnRemove != spec.Keep {
		return nil
	}
	return w.Revision
}

// stoppedBy is the reason for which the rollout of r has stopped; nil: the rollout goes on.
func (m *Machine) stoppedBy(f *filter, r *snapshot.Revision) *Problem {
	for _, g := range f.inOrder() {
		if v, ok := m.verdictIn(g, r); ok && !v.Loads && len(g.subs) > 0 && !m.hasNothingToLose(f, g, r) {
			return rejectedProblem(r, g.envoy, v.Message)
		}
	}
	if p := m.lost(f, r); p != nil {
		return p
	}
	_, problem := m.takers(f, r)
	return problem
}

// refusedIn says whether an Envoy of the group's version has refused r.
func (m *Machine) refusedIn(g *group, r *snapshot.Revision) bool {
	v, judged := m.verdictIn(g, r)
	return judged && !v.Loads
}

// hasNothingToLose says whether the stable revision does not load on the group's version either. A
// refusal of r by such Envoys then stops nobody else.
func (m *Machine) hasNothingToLose(f *filter, g *group, r *snapshot.Revision) bool {
	return f.stable != nil && f.stable.ID != r.ID && (m.refusedIn(g, f.stable) || m.foretold(f, f.stable, g.envoy) != nil)
}

// rollOut takes the filter's rollout as far as possible: the rollout stops, gets canaries, or makes
// the candidate the stable revision.
func (m *Machine) rollOut(f *filter) {
	m.mayForget(f)
	if c := f.candidate(); c != nil {
		switch {
		case m.stoppedBy(f, c) != nil:
			m.endTrial(f, c)
		case slices.ContainsFunc(f.older, func(r *snapshot.Revision) bool { return r.ID == c.ID }) && m.provenEverywhere(f, c):
			m.promote(f, c) // the candidate was stable before: back at once
		default:
			m.endRefusedTrials(f, c)
			m.chooseCanaries(f, c, f.wanted.Canary)
			if m.trialPassed(f, c) {
				m.promote(f, c)
			}
		}
	}
	if f.stable == nil {
		return
	}
	takers, _ := m.takers(f, f.stable)
	for _, g := range takers {
		if _, known := m.verdictIn(g, f.stable); !known {
			m.assign(f, g, f.stable, 1, nil)
		}
	}
}

// waitsForOthers says whether all subscribers are canaries of r and some do not run r yet. Then a
// further subscriber that runs r changes nothing. If thousands boot at the same time, rollOut need
// not run for each of them.
func (f *filter) waitsForOthers(r *snapshot.Revision) bool {
	waits := false
	for _, g := range f.inOrder() {
		t := g.trial(r.ID)
		if t == nil || t.size != len(g.subs) {
			return false
		}
		waits = waits || t.isWaiting(r)
	}
	return waits
}

func (m *Machine) provenEverywhere(f *filter, r *snapshot.Revision) bool {
	takers, _ := m.takers(f, r)
	for _, g := range takers {
		if !m.verdicts.Proven(r, g.envoy) {
			return false
		}
	}
	return len(takers) > 0
}

// trialPassed says whether every version that r is for has canaries and all of them run r. A
// version is not waited for if all of its Envoys are silent or were lost with r too often.
func (m *Machine) trialPassed(f *filter, r *snapshot.Revision) bool {
	takers, _ := m.takers(f, r)
	if f.promoted != r.ID && f.isUnmatched(takers) {
		return allRun(takers, r)
	}
	passed := false
	for _, g := range takers {
		switch {
		case g.passed(r):
			passed = true
		case g.canaries(r.ID) > 0 || !m.held(f, g, r).IsZero():
			return false
		}
	}
	return passed || f.promoted == r.ID && len(takers) > 0
}

// allRun says whether every Envoy of the groups runs r already.
func allRun(groups []*group, r *snapshot.Revision) bool {
	return !slices.ContainsFunc(groups, func(g *group) bool {
		return slices.ContainsFunc(g.subs, func(u *sub) bool { return !u.runs(r) })
	})
}

func (m *Machine) promote(f *filter, r *snapshot.Revision) {
	if f.stable != nil {
		m.noteServed(f)
		f.remember(f.stable)
	}
	f.stableSince = m.now.UTC()
	f.dropRefused(r)
	f.older = slices.DeleteFunc(f.older, func(o *snapshot.Revision) bool { return o.ID == r.ID })
	f.stable, f.promoted = r, ""
	m.record.Promoted(f.unsettled)
	for _, g := range f.groups {
		g.endTrial(r.ID)
	}
	m.persist = true
	m.change(f)
	for _, u := range f.subs {
		u.passedOver = false
		// Nearly all subscribers run r by now, and need nothing.
		if !u.isDone(r) || !m.provenOn(u, r) {
			m.touch(u)
		}
	}
}

// isDone says whether the subscriber runs r with nothing left to do.
func (u *sub) isDone(r *snapshot.Revision) bool {
	return u.state == Live && u.runs(r) && !u.dirty && !u.owed && u.rare == nil && u.group != nil
}

func (m *Machine) endTrial(f *filter, r *snapshot.Revision) {
	for _, g := range f.groups {
		m.endTrialIn(g, r)
	}
}

func (m *Machine) endTrialIn(g *group, r *snapshot.Revision) {
	t := g.trial(r.ID)
	if t == nil {
		return
	}
	for _, u := range g.subs {
		if t.has(u) {
			m.touch(u)
		}
	}
	g.endTrial(r.ID)
}

// endRefusedTrials ends the trials on versions that have refused r without stopping the rollout.
func (m *Machine) endRefusedTrials(f *filter, r *snapshot.Revision) {
	for _, g := range f.inOrder() {
		if m.refusedIn(g, r) {
			m.endTrialIn(g, r)
		}
	}
}
