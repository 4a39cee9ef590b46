package delivery

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// filter is one name: what is wanted of it, what is known to load, who subscribes.
type filter struct {
	name   string
	wanted *snapshot.Filter // nil: no spec has this name
	since  time.Time        // when the wanted revision became wanted
	stable *snapshot.Revision
	older  []*snapshot.Revision // newest first
	wishes []Wish               // of those, as far as it is known

	// typeHint is what Envoys expect of a name without a spec; "": http is tried first.
	typeHint spec.Type
	// unsettled are the node ids that may have stored bytes they refused, with the
	// unproven revision that was sent to them last; "": it is not known which.
	unsettled map[string]string
	// announced are likewise those that are about to get an unproven revision.
	announced map[string]string
	settled   uint64 // the machine's seq when one of them answered last
	// Canaries whose stream was lost before they answered: each is a suspicion,
	// and another is chosen only after a pause.
	lost        int
	lostProblem *Problem
	pauseUntil  time.Time
	timer       time.Time // the last that was set
	// idleSince is when the spec was removed or the last stream that asked for it ended, the later
	// of the two; zero: a spec has the name, or a stream asks for it.
	idleSince   time.Time
	forgetTimer time.Time // the last that was set
	changed     Action    // says that it has
	hasChanged  bool      // in the step that is under way

	subs    []*sub
	groups  map[string]*group // by Envoy version
	ordered []*group          // groups by version; nil: not sorted yet
	gone    []SubscriberStatus
}

// revisions are all that may still be served.
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

// candidate is the wanted revision while it is not yet everyone's; nil: there is none.
func (f *filter) candidate() *snapshot.Revision {
	w := f.wanted
	if w == nil || w.Revision == nil || w.Disabled || sameRevision(w.Revision, f.stable) ||
		w.Removed && w.OnRemove != spec.Keep {
		return nil
	}
	return w.Revision
}

// stoppedBy says why the rollout of r goes no further; nil: it does.
func (m *Machine) stoppedBy(f *filter, r *snapshot.Revision) *Problem {
	for _, g := range f.inOrder() {
		if v, ok := m.verdictIn(g, r); ok && !v.loads && len(g.subs) > 0 {
			return rejectedProblem(r, g.envoy, v.message)
		}
	}
	if f.lost >= lostLimit {
		return f.lostProblem
	}
	_, problem := m.takers(f, r)
	return problem
}

// rollOut takes the filter's rollout as far as it can go now: it stops it, names
// canaries, or makes the candidate everyone's.
func (m *Machine) rollOut(f *filter) {
	m.mayForget(f)
	if c := f.candidate(); c != nil {
		switch {
		case m.stoppedBy(f, c) != nil:
			m.endTrial(f, c)
		case slices.ContainsFunc(f.older, func(r *snapshot.Revision) bool { return r.ID == c.ID }) && m.provenEverywhere(f, c):
			m.promote(f, c) // it was everyone's before: back at once
		default:
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

// waitsForOthers says whether all Envoys try r and some do not run it yet: then one more that
// does changes nothing, and of thousands that boot at the same time each need not look.
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
		if !m.proven(r, g.envoy) {
			return false
		}
	}
	return len(takers) > 0
}

// trialPassed says whether every version that r is for has canaries and all of them run r.
func (m *Machine) trialPassed(f *filter, r *snapshot.Revision) bool {
	takers, _ := m.takers(f, r)
	for _, g := range takers {
		if !g.passed(r) {
			return false
		}
	}
	return len(takers) > 0
}

func (m *Machine) promote(f *filter, r *snapshot.Revision) {
	if f.stable != nil {
		f.remember(f.stable)
	}
	f.older = slices.DeleteFunc(f.older, func(o *snapshot.Revision) bool { return o.ID == r.ID })
	f.stable = r
	m.forgetNodes(f)
	for _, g := range f.groups {
		g.endTrial(r.ID)
	}
	m.persist = true
	m.change(f)
	for _, u := range f.subs {
		// Nearly all run it by now, and nothing is new for them.
		if !u.isDone(r) || !m.provenOn(u, r) {
			m.touch(u)
		}
	}
}

// forgetNodes forgets who would have been next. Who may hold refused bytes is not forgotten before it has
// taken something: it may be away, and come back with what it had before. But of very many, most have
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

// isDone says whether the subscriber runs r as it should, with nothing more to say of it.
func (u *sub) isDone(r *snapshot.Revision) bool {
	return u.state == Live && u.runs(r) && !u.dirty && !u.owed && u.rare == nil && u.group != nil
}

// remember puts a revision first among the older ones.
func (f *filter) remember(r *snapshot.Revision) {
	older := slices.DeleteFunc(slices.Clone(f.older), func(o *snapshot.Revision) bool { return o.ID == r.ID })
	older = slices.Insert(older, 0, r)
	f.older = older[:min(len(older), historyLength)]
}

func (m *Machine) endTrial(f *filter, r *snapshot.Revision) {
	for _, g := range f.groups {
		t := g.trial(r.ID)
		for _, u := range g.subs {
			if t.has(u) {
				m.touch(u)
			}
		}
		g.endTrial(r.ID)
	}
}

// chooseCanaries sees that each Envoy version that r is for has a canary at least, and
// the filter as many as its policy says.
func (m *Machine) chooseCanaries(f *filter, r *snapshot.Revision, policy spec.Canary) {
	groups, _ := m.takers(f, r)
	total := 0
	for _, g := range groups {
		total += len(g.subs)
	}
	if policy.Selector != nil {
		for _, g := range groups {
			m.assign(f, g, r, max(1, g.selected), policy.Selector)
		}
		return
	}
	wanted := policy.Count
	switch {
	case policy.Percent > 0:
		wanted = (total*policy.Percent + 99) / 100
	case policy.Count == 0:
		wanted = total
	}
	extra := max(0, wanted-len(groups))
	for _, g := range groups {
		n := min(len(g.subs), 1+extra)
		extra -= n - 1
		m.assign(f, g, r, n, nil)
	}
}

// enlist makes a new subscriber a canary at once where all are (the zero policy): of thousands that
// connect at the same time each would else be looked for among all others.
// It says whether it did.
func (m *Machine) enlist(u *sub) bool {
	f := u.f
	c := f.candidate()
	if c == nil || u.group == nil || f.wanted.Canary != (spec.Canary{}) || u.refusal(c.ID) != nil ||
		m.now.Before(f.pauseUntil) && !f.isUnsettled(u) || m.foretold(c, u.s.node.Version) != nil || m.stoppedBy(f, c) != nil {
		return false
	}
	u.group.addTrial(c.ID, u)
	m.change(f)
	return true
}

// assign names canaries of r until the group has n. While a canary is missed,
// only one that may have the refused bytes already can take its place. Who has refused
// what all others run comes last: its refusals are its own matter, and would stop the others.
func (m *Machine) assign(f *filter, g *group, r *snapshot.Revision, n int, prefer *spec.NodeSelector) {
	missing := n - g.canaries(r.ID)
	if missing <= 0 {
		return
	}
	paused := m.now.Before(f.pauseUntil)
	if paused {
		m.wakeFilter(f, f.pauseUntil)
		if len(f.unsettled) == 0 {
			return
		}
	}
	var eligible []*sub
	for _, u := range g.subs {
		if u.refusal(r.ID) == nil && !u.tries(r) && (!paused || f.isUnsettled(u) && !u.refusesStable()) {
			eligible = append(eligible, u)
		}
	}
	rank := func(u *sub) int {
		switch {
		case u.refusesStable():
			return 4
		case f.isUnsettled(u):
			return 0
		case prefer != nil && prefer.Matches(u.s.node.ID, u.s.node.Cluster, u.s.node.Metadata):
			return 1
		case !u.bare():
			return 2
		default:
			return 3
		}
	}
	slices.SortFunc(eligible, func(a, b *sub) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.s.id, b.s.id))
	})
	for _, u := range eligible[:min(missing, len(eligible))] {
		g.addTrial(r.ID, u)
		m.touch(u)
		m.change(f)
	}
}

// refusesStable says whether the Envoy has refused what all are to run.
func (u *sub) refusesStable() bool { return u.f.stable != nil && u.refusal(u.f.stable.ID) != nil }

func (f *filter) isUnsettled(u *sub) bool {
	_, ok := f.unsettled[u.s.node.ID]
	return ok
}

// unsettledAway says whether one of them is not connected.
func (f *filter) unsettledAway() bool {
	here := map[string]struct{}{}
	for _, u := range f.subs {
		if f.isUnsettled(u) {
			here[u.s.node.ID] = struct{}{}
		}
	}
	return len(here) < len(f.unsettled)
}

// tookIt says whether the subscriber accepted the very revision that unsettled its
// node: only the word of it was lost, with a stream or with the process.
func (f *filter) tookIt(u *sub) bool {
	revision := f.unsettled[u.s.node.ID]
	return revision != "" && u.accepted.isOf(revision)
}

func (m *Machine) unsettle(u *sub, revision string) {
	f, id := u.f, u.s.node.ID
	before, known := f.unsettled[id]
	written := m.wasAnnounced(u, revision)
	if known && (revision == "" || revision == before) || !known && len(f.unsettled) >= unsettledLimit {
		return
	}
	f.unsettled[id] = revision
	if f.wanted == nil {
		return // nothing of a name without a spec is written to the disk
	}
	m.unsettled[f] = struct{}{}
	m.persistUnsettled = true
	m.awaitUnsettled = m.awaitUnsettled || !written
}

func (m *Machine) settle(u *sub) {
	if !u.f.isUnsettled(u) {
		return
	}
	delete(u.f.unsettled, u.s.node.ID)
	if _, noted := m.unsettled[u.f]; noted {
		m.persistUnsettled, u.f.settled = true, m.seq
	}
}

func (m *Machine) pause(f *filter) {
	f.pauseUntil = m.now.Add(m.cfg.CanaryPause)
	m.wakeFilter(f, f.pauseUntil)
}

// canaryLost is told of a canary whose stream ended before it answered.
func (m *Machine) canaryLost(u *sub, r *snapshot.Revision) {
	f := u.f
	f.lost++
	f.lostProblem = &Problem{
		Code:     CodeCanaryLost,
		Revision: r.ID,
		Message: fmt.Sprintf("%d Envoys in a row lost their stream while they loaded revision %s, the last one %s",
			f.lost, r.ID, u.s.node.ID),
		Hint: "look for a crash in that Envoy's log; an edit of the module or its configuration starts a new rollout",
	}
	m.pause(f)
}
