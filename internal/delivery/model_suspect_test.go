package delivery

import (
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// trialOf is a revision of a name on an Envoy version.
type trialOf struct{ name, revision, envoy string }

// modelSuspects are the Envoys that were lost while they loaded an unproven revision, by node id,
// with the time of the loss. The model keeps them beside the machine's own.
type modelSuspects map[trialOf]map[string]time.Time

const modelPause = 30 * time.Second

// lose notes the unanswered pushes of an Envoy when the stream, or the server, ended.
func (w *world) lose(e *modelEnvoy) {
	for name, a := range w.answering[e.stream] {
		if !a.Unproven || w.now.Sub(w.sentAt[e.stream][name]) >= modelPause {
			continue // nobody waits for an overdue push any more
		}
		of := trialOf{name, a.Revision.ID, e.version}
		w.suspects.add(of, e.id, w.now)
		w.tries[of] = w.canaries(of)
	}
}

// canaries are the present canaries: a lost Envoy does not stop them.
func (w *world) canaries(of trialOf) map[string]bool {
	all := map[string]bool{}
	f := w.m.filters.get(of.name)
	if f == nil || f.groups[of.envoy] == nil {
		return all
	}
	for _, u := range f.groups[of.envoy].subs {
		if r := f.find(of.revision); r != nil && u.tries(r) {
			all[u.s.node.ID] = true
		}
	}
	return all
}

func (s modelSuspects) add(of trialOf, node string, at time.Time) {
	if s[of] == nil {
		s[of] = map[string]time.Time{}
	}
	s[of][node] = at
}

// doubt notes the nodes a server must suspect after a start: their answer came, but was not on disk
// yet, or the revision was about to be sent.
func (w *world) doubt() {
	clear(w.doubted)
	for name, u := range w.memory.Unsettled.Filters {
		for node, revision := range u.Nodes {
			w.doubted.add(trialOf{name, revision, u.Envoys[node]}, node, w.now)
		}
	}
}

// clears notes that an Envoy has answered for a revision.
func (w *world) clears(e *modelEnvoy, name, revision string, loads bool) {
	of := trialOf{name, revision, e.version}
	if loads {
		w.forgets(of, e)
	}
	for _, s := range []modelSuspects{w.suspects, w.doubted} {
		if delete(s[of], e.id); loads {
			delete(s, of)
		}
	}
}

// decided notes a decision about a revision by hand: nobody need be waited for.
func (w *world) decided(name, revision string) {
	for of, nodes := range w.suspects {
		if of.name != name || of.revision != revision {
			continue
		}
		for node, at := range nodes {
			w.doubted.add(of, node, at)
		}
		delete(w.suspects, of)
	}
}

// waits says whether Envoys of a version wait at that time for a suspect other than e.
func (w *world) waits(s modelSuspects, of trialOf, e *modelEnvoy, now time.Time) bool {
	for node, at := range s[of] {
		if now.Sub(at) < modelPause && (e == nil || node != e.id) {
			return true
		}
	}
	return false
}

// checkSuspectsFirst checks that, after a crash, a single Envoy of a version at a time gets an
// unproven revision.
func (w *world) checkSuspectsFirst(e *modelEnvoy, a Send) {
	of := trialOf{a.Name, a.Revision.ID, e.version}
	if a.Unproven {
		w.forgets(of, e)
	}
	if !a.Unproven || w.tries[of][e.id] || !w.waits(w.suspects, of, e, w.now) {
		return
	}
	// Suspects, which may have the revision already, are asked, but never two at a time.
	_, lost := w.suspects[of][e.id]
	_, doubted := w.doubted[of][e.id]
	if alone := len(w.canaries(of)) == 1; !lost && !doubted || !alone {
		w.failf("%s: gets %s of %s, while another Envoy of its version is suspected to have crashed of it", e.id, a.Version, a.Name)
	}
}

// forgets drops an Envoy's suspicions. A restarted server suspects a node only of the last unproven
// revision sent to it, and of none once the node has accepted a response.
func (w *world) forgets(of trialOf, e *modelEnvoy) {
	for other, nodes := range w.suspects {
		if at, lost := nodes[e.id]; lost && other.name == of.name && other.revision != of.revision {
			delete(nodes, e.id)
			w.doubted.add(other, e.id, at)
		}
	}
}

// quiesce has the connected Envoys take and answer all their responses, before any pause ends, and
// checks that nobody is held back without a reason.
func (w *world) quiesce() {
	start := w.now
	if w.settleUntil(w.now.Add(25 * time.Second)); len(w.problems) > 0 {
		return
	}
	for _, name := range w.names {
		f := w.snapshot.Get(name)
		if f == nil || f.Revision == nil || f.Disabled || f.Removed || w.bad[f.Revision.ID] || w.moodyAbout[f.Revision.ID] {
			continue
		}
		if st, _ := w.m.Status(name); st.Problem != nil || waitsForMatch(st) || isHeldBack(st) {
			continue
		}
		for _, version := range []string{"1.40.0", "1.36.4"} {
			w.checkRunsSomewhere(f, version, start)
		}
	}
}

// checkRunsSomewhere checks that, on a version without suspects, a canary runs the wanted revision.
func (w *world) checkRunsSomewhere(f *snapshot.Filter, version string, start time.Time) {
	of := trialOf{f.Name, f.Revision.ID, version}
	if f.Revision.RefusalFor(version) != nil || w.waits(w.suspects, of, nil, start) || w.waits(w.doubted, of, nil, start) {
		return
	}
	connected := false
	for _, e := range w.envoys {
		p := e.provider(f.Name)
		if e.stream == 0 || e.version != version {
			continue
		}
		if w.isUnreadable(e, f) || w.isPassedOver(e, f) {
			return // nobody else is asked until the modules are fetched again, or the last wave comes
		}
		connected = true
		if p.running != nil && p.running.ID == f.Revision.ID {
			return
		}
	}
	if connected {
		st, _ := w.m.Status(f.Name)
		w.failf("%s: no Envoy %s runs %s, and none of them is suspected of anything: %+v", f.Name, version, f.Revision.ID, st.Rollout)
	}
}

// isUnreadable says whether the filter's module could not be read for the Envoy's push.
func (w *world) isUnreadable(e *modelEnvoy, f *snapshot.Filter) bool {
	for _, u := range w.m.filters.get(f.Name).subs {
		if p := u.refusal(f.Revision.ID); u.s.id == e.stream && p != nil && p.Code == CodeModuleUnreadable {
			return true
		}
	}
	return false
}

// isPassedOver says whether a user has had the rollout go on without the Envoy.
func (w *world) isPassedOver(e *modelEnvoy, f *snapshot.Filter) bool {
	return slices.ContainsFunc(w.m.filters.get(f.Name).subs, func(u *sub) bool { return u.s.id == e.stream && u.passedOver })
}

// decide ends by hand the waits without any other end: a promotion if no Envoy matches the canary
// policy, a retry if a revision was lost too often.
func (w *world) decide() {
	for _, name := range w.names {
		st, _ := w.m.Status(name)
		switch {
		case st.Wanted == nil || st.Wanted.Revision == nil:
		case waitsForMatch(st):
			w.promote(name)
		case w.isLost(name):
			w.retry(name)
		}
	}
}

// waitsForMatch says whether the rollout waits for an Envoy matching the canary policy.
func waitsForMatch(st FilterStatus) bool {
	return st.Rollout != nil && slices.ContainsFunc(st.Rollout.Waits, func(w rollout.Wait) bool { return w.Reason == rollout.WaitMatch })
}

// isHeldBack says whether a hold, or a restart, keeps the canaries from the revision.
func isHeldBack(st FilterStatus) bool {
	return st.Rollout != nil && (st.Rollout.Paused != nil || st.Rollout.Freeze != nil ||
		slices.ContainsFunc(st.Rollout.Waits, func(w rollout.Wait) bool {
			return w.Reason == rollout.WaitFleet || w.Reason == rollout.WaitAway
		}))
}

// isLost says whether a revision is not tried any more because Envoys were lost with it.
func (w *world) isLost(name string) bool {
	st, _ := w.m.Status(name)
	for _, s := range st.Subscribers {
		if s.Problem != nil && s.Problem.Code == CodeCanaryLost {
			return true
		}
	}
	return st.Problem != nil && st.Problem.Code == CodeCanaryLost
}

func (w *world) promote(name string) {
	if f := w.snapshot.Get(name); f != nil && f.Revision != nil {
		w.decided(name, f.Revision.ID)
		w.step(Promoted{Name: name, Revision: f.Revision.ID})
	}
}

func (w *world) retry(name string) {
	if f := w.snapshot.Get(name); f != nil && f.Revision != nil {
		w.decided(name, f.Revision.ID)
		w.forgetStops(f.Revision.ID)
		w.step(Retried{Name: name, Revision: f.Revision.ID})
	}
}

// canaryPolicy draws a policy of a spec.
func (w *world) canaryPolicy() spec.Canary {
	switch w.rng.IntN(6) {
	case 0:
		return spec.Canary{Selector: &spec.NodeSelector{IDs: []string{"edge-1"}}}
	case 1:
		return spec.Canary{Selector: &spec.NodeSelector{IDs: []string{"nobody"}}}
	default:
		return spec.Canary{Count: w.rng.IntN(3)}
	}
}
