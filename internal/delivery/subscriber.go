package delivery

import (
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
	"github.com/wasm-xds/wasm-xds/internal/delivery/unsettled"
	"github.com/wasm-xds/wasm-xds/internal/delivery/verdict"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// key names the verdict of the subscriber's Envoy version on r.
func (u *sub) key(r *snapshot.Revision) verdict.Key {
	return verdict.Key{Revision: r.ID, Envoy: u.s.node.Version}
}

// verdict is the verdict for the subscriber's Envoy version.
func (u *sub) verdict(r *snapshot.Revision) (verdict.Verdict, bool) {
	if u.group != nil {
		return u.group.cache.Of(u.f.verdicts, r, u.group.envoy)
	}
	return u.f.verdicts.Of(r, u.s.node.Version)
}

// proven says whether r is known to load on the subscriber's Envoy version.
func (u *sub) proven(r *snapshot.Revision) bool {
	v, judged := u.verdict(r)
	return judged && v.Loads
}

// tooOld is the problem of an Envoy that is too old for a setting of r; nil: it is not.
func (u *sub) tooOld(r *snapshot.Revision) *Problem {
	if u.group != nil {
		return u.group.old.of(u.f.wanted, r, u.group.envoy)
	}
	return tooOld(u.f.wanted, r, u.s.node.Version)
}

// foretold is the refusal of r that is foretold for the subscriber's Envoy: the Envoy is too old,
// or the sandbox has found that it would refuse r. nil: none is.
func (u *sub) foretold(r *snapshot.Revision) *Problem {
	if p := u.tooOld(r); p != nil {
		return p
	}
	return foundFor(u.f.verdicts, r, u.s.node.Version)
}

// tries says whether the subscriber is a canary of r.
func (u *sub) tries(r *snapshot.Revision) bool {
	return u.badge != 0 && u.group != nil && u.group.trials.of(r.ID).has(u.badge)
}

// suspect is the subscriber's node as a suspect of r.
func (u *sub) suspect(r *snapshot.Revision) rollout.Suspect {
	return u.f.rollout.Suspect(u.key(r), u.s.node.ID)
}

// against is the reason not to send r to this Envoy; nil: there is none. Either this Envoy has
// refused r, or was lost with r so often that the cause is taken to be the Envoy's own.
func (u *sub) against(r *snapshot.Revision) *Problem {
	if p := u.refusal(r.ID); p != nil {
		return p
	}
	if !u.f.rollout.HasManyLosses() {
		return nil
	}
	if one := u.suspect(r); one.IsLost() {
		return lostProblem(r, u.s.node.Version, map[string]int{u.s.node.ID: one.Losses})
	}
	return nil
}

// refusesStable says whether the Envoy has refused the stable revision.
func (u *sub) refusesStable() bool { return u.f.stable != nil && u.refusal(u.f.stable.ID) != nil }

// replays says whether the very bytes the Envoy has accepted may be sent.
func (u *sub) replays(r *snapshot.Revision) bool { return u.replay && u.runs(r) && !u.dirty }

// needs says whether the Envoy has to get r, to run r or to be rid of refused bytes.
func (u *sub) needs(r *snapshot.Revision) bool { return !u.runs(r) || u.dirty || u.owed }

// isDone says whether the subscriber runs r with nothing left to do.
func (u *sub) isDone(r *snapshot.Revision) bool {
	return u.state == Live && !u.needs(r) && !u.hasRare() && u.group != nil
}

// selected says whether the spec's nodes select the subscriber's Envoy.
func (u *sub) selected() bool {
	w := u.f.wanted
	return w == nil || w.Nodes.Matches(u.s.node.ID, u.s.node.Cluster, u.s.node.Metadata)
}

// isServed says whether the subscriber's filter, which its client may have and which selects the
// Envoy, has a revision with the module.
func (u *sub) isServed(sha256 string) bool {
	if u.isBarred() || !u.selected() {
		return false
	}
	return slices.ContainsFunc(u.f.all(), func(r *snapshot.Revision) bool { return r.Module.SHA256 == sha256 })
}

// isPreferred says whether the spec's canary policy names the subscriber's node.
func (u *sub) isPreferred() bool {
	w := u.f.wanted
	return w != nil && w.Canary.Selector != nil &&
		w.Canary.Selector.Matches(u.s.node.ID, u.s.node.Cluster, u.s.node.Metadata)
}

// eligible says whether the subscriber takes part in the filter's rollouts.
func (u *sub) eligible() bool {
	w := u.f.wanted
	if u.isBarred() || w == nil || w.Revision == nil || !u.selected() || u.expects() != "" && u.expects() != w.Type {
		return false
	}
	return u.s.node.hasRuntime(w.Revision.VM.Runtime)
}

// isUnsettled says whether the subscriber's node may have stored refused bytes. The node is settled
// if it names the very unproven revision as accepted: only the ACK was lost, with a stream or with
// the process.
func (u *sub) isUnsettled() bool {
	revision := u.f.nodes.Revision(u.s.node.ID)
	return u.f.nodes.Has(u.s.node.ID) && (revision == "" || !u.accepted.isOf(revision))
}

// unsettles is the subscriber's node as an unsettled node that was sent that revision.
func (u *sub) unsettles(revision string) unsettled.Node {
	return unsettled.Node{Revision: revision, Envoy: u.s.node.Version}
}

// setAccepted notes the version that the Envoy runs; zero: none.
func (u *sub) setAccepted(v Version, r *snapshot.Revision) {
	before := u.bare()
	u.belief = belief{r, v.Pack()}
	switch {
	case before && !u.bare():
		u.s.bareCount--
	case !before && u.bare():
		u.s.bareCount++
	}
}

// names notes the version that the Envoy's request has named.
func (u *sub) names(v Version, r *snapshot.Revision, owed, replay bool) {
	u.setAccepted(v, r)
	u.owed, u.replay = owed, replay
}

// takes notes that the Envoy has accepted a push.
func (u *sub) takes(v Version, r *snapshot.Revision) {
	u.setAccepted(v, r)
	u.owed, u.replay, u.dirty = false, false, false
}

// spoil notes that the Envoy has stored refused bytes, or may have.
func (u *sub) spoil() { u.dirty = true }

// setDirty says whether the Envoy may have stored refused bytes.
func (u *sub) setDirty(dirty bool) { u.dirty = dirty }

// lostConfig notes that the Envoy has looked at identical bytes: the config had been lost.
func (u *sub) lostConfig() {
	u.replay = false
	u.setAccepted(Version{}, nil)
}

// owe has the Envoy get the running bytes once more.
func (u *sub) owe() { u.owed, u.replay = true, true }

// setAwaited says whether a response with the name is outstanding.
func (u *sub) setAwaited(awaited bool) { u.awaited = awaited }

// setServing sets the kind of resource that the subscriber gets.
func (u *sub) setServing(s Serving) { u.serving = s }

// setPassedOver says whether a rollout was continued by hand without the subscriber.
func (u *sub) setPassedOver(passedOver bool) { u.passedOver = passedOver }

// close notes that the subscriber does not count any more.
func (u *sub) close() { u.closed = true }

// setState sets the state at the given time, and says whether the status differs.
func (u *sub) setState(s State, p *Problem, now offset) bool {
	if u.state == s && equalProblem(u.problem(), p) {
		return false
	}
	if u.state != s {
		u.since = now
		u.f.states[u.state]--
		u.f.states[s]++
	}
	u.state = s
	u.setProblem(p)
	return true
}

// dropOldRefusals drops the refusals of revisions that are not served any more.
func (u *sub) dropOldRefusals() {
	u.dropRefusals(func(id string, _ *Problem) bool { return u.f.find(id) == nil })
}
