// Package rollout decides how far a revision of a filter may go.
//
// Events go into a [Rollout]: another candidate is wanted, a node was lost or has answered, an
// operator promotes or retries. Decisions come out of its state and the [Facts], numbers about the
// Envoys of each version: whether the rollout has stopped, how many canaries each version needs,
// whether the candidate is good for all, and until when only suspects may be asked. The caller
// knows the Envoys, picks the canaries and sends to them.
// See docs/RATIONALE.md#why-does-a-rollout-decide-from-numbers.
//
// A revision goes to the canaries, to the Envoys of each step, and then to all: each is a wave. A
// wave is over when its Envoys run the revision, have soaked and are healthy, and neither a user
// nor a freeze holds the rollout.
//
// Read facts.go (the facts), way.go (how far a revision has come), needs.go (how many canaries),
// advance.go (the decisions), then rollout.go and hand.go (the events), stops.go, suspects.go (the
// nodes that were lost), absent.go (the nodes that may be back soon) and wait.go (the words for
// waits). A Rollout is not safe for concurrent use.
package rollout

import (
	"maps"
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/verdict"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// Rollout is the state of the rollouts of a filter. The zero value has not begun.
type Rollout struct {
	suspects suspects
	promoted string // the revision promoted by hand, without canaries; "": none

	Way   *Way // the present rollout, or the watch after a promotion; nil: neither
	Stops Stops
}

// Saved is the part of a rollout that outlives a restart.
type Saved struct {
	Promoted string
	Record   *Record // nil: no rollout
	Stops    []Stop
}

// Restore goes on where a former process has left off. The Envoys of before are awaited until a
// time.
func (r *Rollout) Restore(s Saved, until time.Time) {
	r.promoted, r.Way = s.Promoted, nil
	r.Stops.restore(s.Stops)
	if s.Record != nil {
		r.Way = restore(s.Record, until)
	}
}

// Of is the present rollout if it is of the revision; nil: it is not.
func (r *Rollout) Of(revision string) *Way {
	if r.Way != nil && r.Way.Revision == revision {
		return r.Way
	}
	return nil
}

// Begin notes that another revision is wanted; nil: none can be had. Earlier losses of the revision
// do not count any more. A kept stop stays.
func (r *Rollout) Begin(wanted *snapshot.Revision) {
	r.Done()
	if wanted != nil {
		r.suspects.forgive(wanted.ID)
	}
}

// Done notes that the candidate has become stable.
func (r *Rollout) Done() { r.promoted, r.Way = "", nil }

// Promoted is the revision promoted by hand; "": none.
func (r *Rollout) Promoted() string { return r.promoted }

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

// Stopped is the reason for which the rollout has stopped; nil: the rollout goes on.
// See docs/RATIONALE.md#why-does-a-revision-that-failed-stay-refused.
func (r *Rollout) Stopped(v *View) *Stop {
	if kept := r.Stops.Of(v.Revision.ID); kept != nil {
		return kept
	}
	doubtful := len(v.Revision.Refusals) > 0
	for _, g := range v.Groups {
		switch {
		case !refuses(g, v.Revision):
			doubtful = doubtful || g.IsForetold(v.Revision)
		case g.Size() > 0 && !v.hasNothingToLose(g):
			return stopFor(v, Refused, g)
		default:
			doubtful = true
		}
	}
	if s := r.lost(v); s != nil || !doubtful {
		return s
	}
	if _, none := v.Takers(); none != nil {
		return stopFor(v, NotForAny, none)
	}
	return nil
}

// stopFor is a stop because of an Envoy version.
func stopFor(v *View, why StopReason, g Group) *Stop {
	s := &Stop{Revision: v.Revision.ID, Why: why, Envoy: g.Envoy()}
	if verdict, judged := g.Verdict(v.Revision); judged {
		s.Reason = verdict.Message
	}
	return s
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
			return &Stop{Revision: v.Revision.ID, Why: Lost, Envoy: key.Envoy, Losses: by}
		}
	}
	return nil
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
