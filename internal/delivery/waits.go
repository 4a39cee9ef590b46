package delivery

import (
	"cmp"
	"container/heap"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/verdict"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// WaitReason is the reason for which a rollout waits. The words are part of the API.
type WaitReason string

// The reasons to wait. Later versions may add reasons.
const (
	WaitAnswer  WaitReason = "canary_loads"      // the canary was sent the revision, and has not answered yet
	WaitFetch   WaitReason = "canary_fetches"    // the canary fetches the module
	WaitTurn    WaitReason = "canary_next"       // the canary is sent the revision as soon as the stream is free
	WaitSilent  WaitReason = "no_answer"         // the canary was sent the revision, and the answer is overdue
	WaitBack    WaitReason = "canary_lost"       // the stream ended before the answer: the canary may have crashed
	WaitRestart WaitReason = "server_restarted"  // the server ended before the answer was known
	WaitMatch   WaitReason = "no_canary_matches" // no connected Envoy matches `rollout.canary`
)

// Words are the reason in words, about an Envoy.
func (r WaitReason) Words() string {
	switch r {
	case WaitAnswer:
		return "loads it, and has not answered yet"
	case WaitFetch:
		return "fetches the module"
	case WaitTurn:
		return "is sent it as soon as its stream is free"
	case WaitSilent:
		return "does not answer"
	case WaitBack:
		return "lost its stream before it answered"
	case WaitRestart:
		return "was sent it before the server restarted, and is not back"
	case WaitMatch:
		return "none is connected that `rollout.canary` names"
	default:
		return string(r)
	}
}

// Wait is an Envoy that a rollout waits for.
type Wait struct {
	Node   string // the node id; "" with WaitMatch
	Envoy  string // the Envoy version; "": not known
	Reason WaitReason
	Since  time.Time
	Until  time.Time // when the rollout goes on without the Envoy; zero: never
}

// Rollout says how far a revision is on the way to all Envoys.
type Rollout struct {
	Revision string // the candidate, or the stable revision while an Envoy version is new to it
	// Promoted says that the rollout goes on by hand without the canaries of the spec.
	Promoted bool
	// Waits are the Envoys the rollout waits for, at most 20. Of each Envoy version, suspects come
	// before loading canaries. Empty: there is no wait.
	Waits []Wait
	// Stopped is the reason for which the rollout has stopped; nil: the rollout goes on.
	Stopped *Problem
}

const (
	waitsShown = 20
	// slowCanary is how long a canary may take before the log reports the wait.
	slowCanary = 3 * time.Second
)

// rollout is the progress of the revision on trial; nil: there is none.
func (m *Machine) rollout(f *filter) *Rollout {
	c := m.onTrial(f)
	if c == nil {
		return nil
	}
	r := &Rollout{Revision: c.ID, Promoted: f.promoted == c.ID}
	if f.isCandidate(c) {
		r.Stopped = m.stoppedBy(f, c)
	}
	if r.Stopped == nil {
		r.Waits = m.waits(f, c)
	}
	return r
}

// onTrial is the candidate, or the stable revision while an Envoy version has not judged the stable
// revision; nil: neither.
func (m *Machine) onTrial(f *filter) *snapshot.Revision {
	if c := f.candidate(); c != nil {
		return c
	}
	if s := f.stable; s != nil && f.wanted != nil && !f.wanted.Disabled && len(m.newTo(f, s)) > 0 {
		return s
	}
	return nil
}

// newTo are the groups that r is for and that have no verdict on r.
func (m *Machine) newTo(f *filter, r *snapshot.Revision) (groups []*group) {
	for _, g := range f.inOrder() {
		if _, judged := m.verdictIn(g, r); !judged && m.foretold(f, r, g.envoy) == nil {
			groups = append(groups, g)
		}
	}
	return groups
}

// waits are the Envoys the rollout of r waits for.
func (m *Machine) waits(f *filter, r *snapshot.Revision) (all []Wait) {
	takers, _ := m.takers(f, r)
	if !f.isCandidate(r) {
		takers = m.newTo(f, r)
	} else if f.promoted != r.ID && f.isUnmatched(takers) {
		return append(m.suspectsOf(f, r), Wait{Reason: WaitMatch, Since: f.since})
	}
	for _, g := range takers {
		if !m.held(f, g, r).IsZero() {
			all = append(all, m.awaitedSuspects(f, g, r)...)
		}
		all = append(all, m.loading(g, r)...)
	}
	if len(all) == 0 && len(takers) > 0 {
		for _, g := range takers {
			all = append(all, m.silent(g, r)...)
		}
	}
	return all[:min(len(all), waitsShown)]
}

// awaitedSuspects are the suspects the group waits for, apart from suspects that are canaries
// again.
func (m *Machine) awaitedSuspects(f *filter, g *group, r *snapshot.Revision) (all []Wait) {
	for _, envoy := range []string{g.envoy, ""} {
		of := f.suspects.all[verdict.Key{Revision: r.ID, Envoy: envoy}]
		if of == nil {
			continue
		}
		for _, node := range sortedKeys(of.nodes) {
			one := of.nodes[node]
			if m.now.Before(one.until) && !g.isTriedBy(node, r) {
				all = append(all, Wait{Node: node, Envoy: envoy, Reason: one.why, Since: one.since, Until: one.until})
			}
		}
		if envoy == "" {
			break
		}
	}
	return all
}

// suspectsOf are the awaited suspects of all versions. If the canary policy matches no Envoy, only
// they are asked.
func (m *Machine) suspectsOf(f *filter, r *snapshot.Revision) (all []Wait) {
	for _, key := range sortedKeysOf(f.suspects.all) {
		if key.Revision != r.ID {
			continue
		}
		for node, one := range f.suspects.all[key].nodes {
			if m.now.Before(one.until) && len(all) < waitsShown {
				all = append(all, Wait{Node: node, Envoy: key.Envoy, Reason: one.why, Since: one.since, Until: one.until})
			}
		}
	}
	sortWaits(all)
	return all
}

// isTriedBy says whether a canary of r has that node id.
func (g *group) isTriedBy(node string, r *snapshot.Revision) bool {
	return slices.ContainsFunc(g.subs, func(u *sub) bool { return u.s.node.ID == node && u.tries(r) })
}

// loading are the canaries that do not run r yet.
func (m *Machine) loading(g *group, r *snapshot.Revision) (all []Wait) {
	t := g.trial(r.ID)
	if t == nil || t.size == 0 {
		return nil
	}
	from := 0
	if t.isWaiting(r) {
		from = int(t.waits.atGroup) // the subscribers before it ran r at the last look
	}
	for i := range g.subs {
		if u := g.subs[(from+i)%len(g.subs)]; t.has(u) && !u.runs(r) {
			if all = append(all, m.waitFor(u, r)); len(all) == waitsShown {
				break
			}
		}
	}
	sortWaits(all)
	return all
}

// silent are the silent Envoys of the group.
func (m *Machine) silent(g *group, r *snapshot.Revision) (all []Wait) {
	for _, u := range g.subs {
		if u.s.silent && !u.runs(r) && len(all) < waitsShown {
			all = append(all, Wait{Node: u.s.node.ID, Envoy: g.envoy, Reason: WaitSilent, Since: m.at(u.since)})
		}
	}
	sortWaits(all)
	return all
}

func sortWaits(all []Wait) {
	slices.SortFunc(all, func(a, b Wait) int { return cmp.Or(strings.Compare(a.Node, b.Node), a.Since.Compare(b.Since)) })
}

// waitFor is the wait for a canary that does not run r yet.
func (m *Machine) waitFor(u *sub, r *snapshot.Revision) Wait {
	w := Wait{Node: u.s.node.ID, Envoy: u.s.node.Version, Reason: WaitTurn, Since: u.f.since}
	if joined := m.at(u.joined); joined.After(w.Since) {
		w.Since = joined
	}
	for _, response := range u.s.outstanding {
		since := response.at
		if u.s.answeredAt.After(since) {
			since = u.s.answeredAt
		}
		if w.Until.IsZero() {
			w.Until = since.Add(m.cfg.AckWait) // an Envoy takes one response after the other
		}
		if response.has(u, r) {
			w.Reason, w.Since, w.Until = WaitAnswer, response.at, since.Add(m.cfg.AckWait)
			return w
		}
	}
	if f := u.fetch(); f != nil && f.revision == r.ID {
		w.Reason, w.Until = WaitFetch, f.deadline
	}
	return w
}

// has says whether the response has r for the subscriber.
func (r *response) has(u *sub, rev *snapshot.Revision) bool {
	return slices.ContainsFunc(r.pushes, func(p push) bool { return p.u == u && p.rev.ID == rev.ID })
}

// watchCanaries has the filter's canaries looked at once they are slow.
func (m *Machine) watchCanaries(f *filter) { m.watchCanariesAt(f, m.now.Add(slowCanary)) }

func (m *Machine) watchCanariesAt(f *filter, at time.Time) {
	if f.slowAt.After(m.now) {
		return
	}
	f.slowAt = at
	heap.Push(&m.timers, timer{at: f.slowAt, f: f})
}

// lookForSlow notes whether a canary is slow.
func (m *Machine) lookForSlow(f *filter) {
	if f.slowAt.After(m.now) || f.slowAt.IsZero() {
		return
	}
	f.slowAt = time.Time{}
	r := m.rollout(f)
	if r == nil {
		return
	}
	for _, w := range r.Waits {
		if !w.isUsual(m.now) {
			f.slow = true
			m.change(f)
			continue
		}
		m.watchCanariesAt(f, w.Since.Add(slowCanary))
	}
}

// isUsual says whether every rollout has this wait for a moment.
func (w Wait) isUsual(now time.Time) bool {
	switch w.Reason {
	case WaitAnswer, WaitFetch, WaitTurn:
		return now.Sub(w.Since) < slowCanary
	default:
		return false
	}
}

// tellOfRollout reports, once per change, the Envoys a rollout waits for, a stop because Envoys
// were lost, and the end of both. Waits of a moment are not reported.
func (m *Machine) tellOfRollout(f *filter) {
	c := m.onTrial(f)
	if c == nil && f.told == "" {
		return
	}
	r := Rollout{}
	if c != nil && (f.slow || f.suspects.size > 0 || f.wanted.Canary.Selector != nil || f.told != "") {
		r = *m.rollout(f)
		r.Waits = slices.DeleteFunc(r.Waits, func(w Wait) bool { return w.isUsual(m.now) })
	}
	f.slow = f.slow && len(r.Waits) > 0
	text := ""
	switch {
	case r.Stopped != nil && r.Stopped.Code == CodeCanaryLost:
		text = fmt.Sprint(*r.Stopped)
	case r.Stopped != nil:
		r.Stopped = nil // the refusal has been reported
	default:
		for _, w := range r.Waits {
			text += fmt.Sprintf("%q %s %s\n", w.Node, w.Envoy, w.Reason)
		}
	}
	if text != "" {
		text = r.Revision + "\n" + text
	}
	if text == f.told {
		return
	}
	f.told = text
	if c != nil {
		r.Revision = c.ID
	} else if f.stable != nil {
		r.Revision = f.stable.ID
	}
	m.actions = append(m.actions, RolloutChanged{Name: f.name, Rollout: r})
}
