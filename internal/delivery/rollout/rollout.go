// Package rollout decides how far a revision of one filter may go.
//
// Events go into a [Rollout]: another candidate is wanted, a node was lost or has answered, an
// operator promotes or retries. Decisions come out of its state and the [Facts], numbers about the
// Envoys of each version: whether the rollout has stopped, how many canaries each version needs,
// whether the candidate is good for all, and until when only suspects may be asked. The caller
// knows the Envoys, picks the canaries and sends to them.
// See docs/RATIONALE.md#why-does-a-rollout-decide-from-numbers.
//
// Read facts.go (the facts), rollout.go (the events and the decisions), then suspects.go (the nodes
// that were lost) and wait.go (the words for waits). A Rollout is not safe for concurrent use.
package rollout

import (
	"maps"
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/verdict"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Rollout is the state of the rollouts of one filter. The zero value has not begun.
type Rollout struct {
	suspects suspects
	promoted string // the revision promoted by hand, without canaries; "": none
}

// Begin notes that another revision is wanted; nil: none can be had. Earlier losses of the revision
// do not count any more.
func (r *Rollout) Begin(wanted *snapshot.Revision) {
	r.promoted = ""
	if wanted != nil {
		r.suspects.forgive(wanted.ID)
	}
}

// Done notes that the candidate has become stable.
func (r *Rollout) Done() { r.promoted = "" }

// Restore goes on with a promotion by hand of a former process.
func (r *Rollout) Restore(promoted string) { r.promoted = promoted }

// Promoted is the revision promoted by hand; "": none.
func (r *Rollout) Promoted() string { return r.promoted }

// Promote notes that an operator wants the rollout of a revision to go on without the awaited
// nodes. If the revision is the candidate, one canary of each version is enough from now on,
// whatever the policy asks for.
func (r *Rollout) Promote(revision string, candidate bool) {
	r.suspects.waitNoMore(revision)
	if candidate {
		r.promoted = revision
	}
}

// Retry notes that an operator wants a revision tried again: its suspects are acquitted.
func (r *Rollout) Retry(revision string) { r.suspects.dropRevision(revision) }

// Prune drops the suspects of revisions that are not served any more, once their waits are over.
func (r *Rollout) Prune(now time.Time, served func(revision string) bool) {
	r.suspects.prune(now, served)
}

// Lose notes that a canary's answer will not come. The group waits for the canary until the given
// time; zero: no wait. Lose says whether the loss was noted.
func (r *Rollout) Lose(key verdict.Key, node string, why Reason, now, until time.Time) bool {
	return r.suspects.lose(key, node, why, now, until)
}

// Doubt notes that a node got an unproven revision from a former process, which ended before the
// answer was known. The group waits for the node until the time until.
func (r *Rollout) Doubt(key verdict.Key, node string, now, until time.Time) {
	r.suspects.doubt(key, node, WaitRestart, now, until)
}

// Acquit notes that a node has answered for a revision, and says whether that ends a suspicion.
// Once a node has loaded the revision, no node of that version is a suspect any more.
func (r *Rollout) Acquit(key verdict.Key, node string, loads bool) bool {
	switch {
	case r.suspects.size == 0:
		return false
	case loads:
		return r.suspects.dropAll(key)
	default:
		return r.suspects.drop(key, node)
	}
}

// Adopt notes with which version a node has come back.
func (r *Rollout) Adopt(node, envoy string) { r.suspects.adopt(node, envoy) }

// Suspect is the node as a suspect of a revision.
func (r *Rollout) Suspect(key verdict.Key, node string) Suspect {
	if one := r.suspects.find(key, node); one != nil {
		return *one
	}
	return Suspect{}
}

// HasSuspects says whether any node is a suspect.
func (r *Rollout) HasSuspects() bool { return r.suspects.size > 0 }

// HasManyLosses says whether there are as many losses as may matter to anybody.
func (r *Rollout) HasManyLosses() bool { return r.suspects.losses >= lossLimit }

// HasLosses says whether a node was lost with the revision.
func (r *Rollout) HasLosses(revision string) bool { return r.suspects.hasLosses(revision) }

// LosesStable says whether a node was lost with the stable revision, too. False if revision is
// stable, or if no revision is stable.
func (r *Rollout) LosesStable(revision string, stable *snapshot.Revision, envoy, node string) bool {
	if stable == nil || stable.ID == revision {
		return false
	}
	one := r.suspects.find(verdict.Key{Revision: stable.ID, Envoy: envoy}, node)
	return one != nil && one.Losses > 0
}

// SuspectsUntil is until when only suspects may be canaries of rev in the group; zero: any
// subscriber may.
func (r *Rollout) SuspectsUntil(g Group, rev *snapshot.Revision, now time.Time) (until time.Time) {
	if r.suspects.size == 0 || loads(g, rev) {
		return time.Time{}
	}
	for _, envoy := range [...]string{g.Envoy(), ""} {
		of := r.suspects.all[verdict.Key{Revision: rev.ID, Envoy: envoy}]
		if of != nil && of.until.After(until) {
			until = of.until
		}
	}
	if !now.Before(until) {
		return time.Time{}
	}
	return until
}

// StopReason is the reason for which a rollout has stopped.
type StopReason uint8

// The reasons to stop.
const (
	Refused   StopReason = iota + 1 // an Envoy of the version has refused the revision
	Lost                            // Envoys of the version were lost with the revision
	NotForAny                       // the revision is for no connected version; Envoy is the last
)

// Stop says why a rollout has stopped.
type Stop struct {
	Why    StopReason
	Envoy  string         // the version
	Losses map[string]int // with Lost: by node id
}

// Stopped is the reason for which the rollout has stopped; nil: the rollout goes on.
func (r *Rollout) Stopped(v *View) *Stop {
	doubtful := len(v.Revision.Refusals) > 0
	for _, g := range v.Groups {
		switch {
		case !refuses(g, v.Revision):
			doubtful = doubtful || g.IsForetold(v.Revision)
		case g.Size() > 0 && !v.hasNothingToLose(g):
			return &Stop{Why: Refused, Envoy: g.Envoy()}
		default:
			doubtful = true
		}
	}
	if s := r.lost(v); s != nil || !doubtful {
		return s
	}
	if _, none := v.Takers(); none != nil {
		return &Stop{Why: NotForAny, Envoy: none.Envoy()}
	}
	return nil
}

// lost is the stop for losses; nil: losses do not stop the rollout. The losses of a node do not
// count if the node loses the stable revision, too: such losses say nothing about the revision. A
// single node stops the rollout only if there is no other node.
func (r *Rollout) lost(v *View) *Stop {
	if !r.HasManyLosses() {
		return nil
	}
	for _, key := range r.suspects.keys() {
		if key.Revision != v.Revision.ID {
			continue
		}
		losses, by := 0, map[string]int{}
		for node, one := range r.suspects.all[key].nodes {
			if one.Losses == 0 || r.LosesStable(v.Revision.ID, v.Stable, key.Envoy, node) {
				continue
			}
			losses += one.Losses
			by[node] = one.Losses
		}
		others := func(g Group) bool { return g.HasOther(by) }
		if losses >= lossLimit && (len(by) > 1 || !slices.ContainsFunc(v.Groups, others)) {
			return &Stop{Why: Lost, Envoy: key.Envoy, Losses: by}
		}
	}
	return nil
}

// Canaries asks for canaries in a group that has too few.
type Canaries struct {
	Group  Group
	Number int // with the present canaries
	// Prefer names the nodes to ask first; nil: none.
	Prefer *spec.NodeSelector
	// SuspectsUntil is until when only awaited suspects may become canaries, one after the other:
	// suspects may have the bytes already. Zero: any subscriber may.
	SuspectsUntil time.Time
}

// Decision is the next step of a rollout. At most one field is set.
type Decision struct {
	Stop     *Stop
	Promote  bool       // the revision is good for all at once
	Canaries []Canaries // needed before [Rollout.Passed] is asked
}

// Decide decides about the revision. The canaries are appended to room.
// See docs/RATIONALE.md#why-does-a-canary-policy-without-a-connected-node-hold-the-rollout.
func (r *Rollout) Decide(f *Facts, room []Canaries) Decision {
	if stop := r.Stopped(&f.View); stop != nil {
		return Decision{Stop: stop}
	}
	takers, _ := f.Takers()
	if f.WasStable && len(takers) > 0 && allLoad(takers, f.Revision) {
		return Decision{Promote: true} // back at once
	}
	return Decision{Canaries: r.canaries(f, takers, room)}
}

// canaries gives each Envoy version that the revision is for at least one canary, and the filter as
// many canaries as the policy asks for.
func (r *Rollout) canaries(f *Facts, takers []Group, room []Canaries) []Canaries {
	policy := f.Policy
	if r.promoted == f.Revision.ID {
		policy = spec.Canary{Count: 1}
	}
	if policy.Selector != nil {
		if f.IsUnmatched(takers) {
			return nil
		}
		for _, g := range takers {
			room = r.need(&f.View, f.Now, g, max(1, g.Preferred()), policy.Selector, room)
		}
		return room
	}
	total := 0
	for _, g := range takers {
		total += g.Size()
	}
	wanted := policy.Count
	switch {
	case policy.Percent > 0:
		wanted = (total*policy.Percent + 99) / 100
	case policy.Count == 0:
		wanted = total
	}
	extra := max(0, wanted-len(takers))
	for _, g := range takers {
		n := min(g.Size(), 1+extra)
		extra -= n - 1
		room = r.need(&f.View, f.Now, g, n, nil, room)
	}
	return room
}

// need asks for canaries in a group, unless the group has as many.
func (r *Rollout) need(v *View, now time.Time, g Group, n int, prefer *spec.NodeSelector, room []Canaries) []Canaries {
	if g.Canaries(v.Revision) >= n {
		return room
	}
	return append(room, Canaries{g, n, prefer, r.SuspectsUntil(g, v.Revision, now)})
}

// Passed says whether every version of the takers has canaries and all canaries run the revision. A
// version without canaries does not count if all of its Envoys are silent or were lost with the
// revision too often.
func (r *Rollout) Passed(f *Facts) bool {
	takers, _ := f.Takers()
	promoted := r.promoted == f.Revision.ID
	if !promoted && f.IsUnmatched(takers) {
		return !slices.ContainsFunc(takers, func(g Group) bool { return !g.AllRun(f.Revision) })
	}
	passed := false
	for _, g := range takers {
		switch {
		case g.Passed(f.Revision):
			passed = true
		case g.Canaries(f.Revision) > 0 || !r.SuspectsUntil(g, f.Revision, f.Now).IsZero():
			return false
		}
	}
	return passed || promoted && len(takers) > 0
}

// Newcomers asks for a canary of the stable revision in each group that has not judged it. The
// view's revision is the stable revision. The canaries are appended to room.
func (r *Rollout) Newcomers(v *View, now time.Time, room []Canaries) []Canaries {
	takers, _ := v.Takers()
	for _, g := range takers {
		if _, judged := g.Verdict(v.Revision); !judged {
			room = r.need(v, now, g, 1, nil, room)
		}
	}
	return room
}

// MayJoin says whether a new subscriber of the group may be a canary of the revision at once, if
// the policy makes all subscribers canaries.
func (r *Rollout) MayJoin(f *Facts, g Group) bool {
	return f.Policy == (spec.Canary{}) && r.promoted != f.Revision.ID && !g.IsForetold(f.Revision) &&
		r.SuspectsUntil(g, f.Revision, f.Now).IsZero() && !refuses(g, f.Revision) && r.Stopped(&f.View) == nil
}

// Awaited are the awaited suspects of rev in the group, apart from suspects that are canaries
// again.
func (r *Rollout) Awaited(g Group, rev *snapshot.Revision, now time.Time, isCanary func(node string) bool) (all []Wait) {
	for _, envoy := range [...]string{g.Envoy(), ""} {
		of := r.suspects.all[verdict.Key{Revision: rev.ID, Envoy: envoy}]
		if of == nil {
			continue
		}
		for _, node := range slices.Sorted(maps.Keys(of.nodes)) {
			if one := of.nodes[node]; one.IsAwaited(now) && !isCanary(node) {
				all = append(all, Wait{Node: node, Envoy: envoy, Reason: one.Why, Since: one.Since, Until: one.Until})
			}
		}
		if envoy == "" {
			break
		}
	}
	return all
}

// AwaitedOfAll are the awaited suspects of rev of all versions. If the canary policy matches no
// Envoy, nobody else is asked.
func (r *Rollout) AwaitedOfAll(rev *snapshot.Revision, now time.Time) (all []Wait) {
	for _, key := range r.suspects.keys() {
		if key.Revision != rev.ID {
			continue
		}
		for node, one := range r.suspects.all[key].nodes {
			if one.IsAwaited(now) && len(all) < WaitsShown {
				all = append(all, Wait{Node: node, Envoy: key.Envoy, Reason: one.Why, Since: one.Since, Until: one.Until})
			}
		}
	}
	SortWaits(all)
	return all
}
