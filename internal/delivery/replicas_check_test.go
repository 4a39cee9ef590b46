package delivery

import (
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
	"github.com/wasm-xds/wasm-xds/internal/delivery/verdict"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// mostMeet is how many Envoys of a version may meet a bad revision: an Envoy whose answer does not
// come counts as a loss, and losses of three Envoys stop the rollout.
const mostMeet = 3

// checkUnproven checks that one Envoy of a version at a time gets unproven bytes, and none after a
// refusal that the ledger has.
func (w *replicasWorld) checkUnproven(e *movingEnvoy, a Send) {
	key := verdict.Key{Revision: a.Revision.ID, Envoy: e.version}
	w.stats["unproven"]++
	if w.cutOff {
		w.failf("%s: gets unproven bytes of %s although the ledger is out of reach", e.id, a.Version)
	}
	if w.refused[key] && w.bugs.sendsFirst {
		w.failf("%s: gets unproven bytes of %s although the ledger has a refusal", e.id, a.Version)
	}
	last, is := w.tried[key]
	_, judged := w.store.Verdict(key)
	if is && last.node != e.id && !judged && w.now.Sub(last.at) < modelPause {
		w.failf("%s: gets unproven bytes of %s %s after %s, which has not answered yet", e.id, a.Version, w.now.Sub(last.at), last.node)
	}
	w.tried[key] = try{e.id, w.now}
}

// checkMeets checks how many Envoys meet a revision that their version refuses.
func (w *replicasWorld) checkMeets(e *movingEnvoy, r Resource) {
	key := verdict.Key{Revision: r.Revision.ID, Envoy: e.version}
	if w.met[key] == nil {
		w.met[key] = map[string]bool{}
	}
	w.met[key][e.id] = true
	if len(w.met[key]) > mostMeet {
		w.failf("%s: the %d. Envoy that meets the bad revision %s", e.id, len(w.met[key]), r.Version)
	}
}

// checkVerdicts checks that no refusal that the ledger had turns into a success.
func (w *replicasWorld) checkVerdicts() {
	for id := range w.known {
		for _, envoy := range []string{"1.40.0", "1.36.4"} {
			key := verdict.Key{Revision: id, Envoy: envoy}
			v, judged := w.store.Verdict(key)
			if w.refused[key] && judged && v.Loads {
				w.failf("the refusal of %s by Envoys %s has turned into a success", id, envoy)
			}
			if judged && !v.Loads {
				w.refused[key] = true
			}
		}
	}
}

// checkConfigs checks that no Envoy has lost its filter.
func (w *replicasWorld) checkConfigs() {
	for _, e := range w.envoys {
		for _, name := range w.names {
			if p := e.provider(name); p.accepted != "" && p.running == nil {
				w.failf("%s: has no config for %s any more", e.id, name)
			}
		}
	}
}

// settle brings everything under way to an end.
func (w *replicasWorld) settle() {
	for _, e := range w.envoys {
		e.moody = false
	}
	w.heal()
	if !w.settleFor(5 * time.Minute) {
		w.failf("the replicas do not come to rest")
	}
	w.liftHolds()
	if !w.settleFor(5 * time.Minute) {
		w.failf("the replicas do not come to rest after a resume")
	}
}

// heal has all replicas work, and all Envoys connected.
func (w *replicasWorld) heal() {
	for _, r := range w.replicas {
		w.resume(r)
		w.start(r)
		if !w.cutOff {
			r.client.Connect()
		}
		w.sync(r)
	}
	for _, e := range w.envoys {
		w.connect(e, w.replicas[w.rng.IntN(len(w.replicas))])
	}
}

// liftHolds ends pauses.
func (w *replicasWorld) liftHolds() {
	for _, r := range w.replicas {
		if r.m.follower.replica.term == 0 {
			continue
		}
		for _, f := range w.snapshot.All() {
			w.step(r, Resumed{Name: f.Name, Revision: f.Revision.ID})
		}
	}
}

// settleFor has everything happen that is due within a time, and says whether the fleet came to
// rest.
func (w *replicasWorld) settleFor(limit time.Duration) bool {
	end := w.now.Add(limit)
	for range 3000 {
		if len(w.problems) > 0 {
			return true
		}
		busy := false
		for _, r := range w.replicas {
			busy = w.deliver(r, 20) || busy
			busy = w.note(r) || busy
		}
		for _, e := range w.envoys {
			busy = w.receive(e) || busy
			busy = w.answer(e) || busy
		}
		if busy {
			continue
		}
		next := time.Time{}
		for _, r := range w.replicas {
			if at, is := w.next(r); is && (next.IsZero() || at.Before(next)) {
				next = at
			}
		}
		if next.IsZero() || next.After(end) {
			return true
		}
		w.pass(max(next.Sub(w.now), 0))
	}
	return false
}

// checkAtRest checks a fleet at rest.
func (w *replicasWorld) checkAtRest() {
	w.checkConfigs()
	// An Envoy that refused its running revision keeps it, and the refused bytes.
	if notes := w.store.Notes(); len(notes) > 0 && len(w.moody) == 0 {
		w.failf("notes stay although every Envoy has taken a good revision: %+v", notes)
	}
	for _, f := range w.snapshot.All() {
		w.checkAgreement(f.Name)
		record, is := w.store.Record(f.Name)
		if !is || record.Wanted != f.Revision.ID {
			w.failf("%s: the record wants %q, and the specs %s", f.Name, record.Wanted, f.Revision.ID)
			continue
		}
		stopped := slices.ContainsFunc(record.Stops, func(s rollout.Stop) bool { return s.Revision == f.Revision.ID })
		if which, bad := w.bad[f.Revision.ID]; bad && which == "" && !w.moody[f.Revision.ID] && record.Stable == f.Revision.ID {
			w.failf("%s: the bad revision %s is stable", f.Name, f.Revision.ID)
		}
		if _, bad := w.bad[f.Revision.ID]; !bad && !stopped && !w.moody[f.Revision.ID] && record.Stable != f.Revision.ID {
			w.failf("%s: the good revision %s is not stable: %s", f.Name, f.Revision.ID, recordText(&record))
		}
		for _, e := range w.envoys {
			w.checkEnvoy(e, f, record.Stable)
		}
	}
}

func (w *replicasWorld) checkEnvoy(e *movingEnvoy, f *snapshot.Filter, stable string) {
	p := e.provider(f.Name)
	switch {
	case p.running == nil:
		w.failf("%s: %s has no config", e.id, f.Name)
	case p.poisoned && !w.moody[p.running.ID]:
		w.failf("%s: %s has refused bytes stored", e.id, f.Name)
	case stable != "" && !w.moody[stable] && p.running.ID != stable && w.loads(stable, e.version):
		w.failf("%s: %s should run %s and runs %s", e.id, f.Name, stable, p.running.ID)
	}
}

// checkAgreement checks that all replicas answer the same.
func (w *replicasWorld) checkAgreement(name string) {
	var first string
	for _, r := range w.replicas {
		st, _ := r.m.Status(name)
		text := idOf(st.Stable) + " " + idOf(st.Wanted.Revision)
		for _, s := range r.m.filters.get(name).rollout.Stops.All() {
			text += " " + s.Revision
		}
		if first == "" {
			first = text
		}
		if text != first {
			w.failf("%s: %s answers %q, and another replica %q", name, r.name, text, first)
		}
	}
}

// checkMoves moves every Envoy of a fleet at rest, and checks that nothing is loaded for that and
// that the ledger has little to write.
func (w *replicasWorld) checkMoves() {
	stored := map[string]string{}
	for _, e := range w.envoys {
		for _, name := range w.names {
			stored[e.id+name] = e.provider(name).stored
		}
	}
	writes := w.store.Writes()
	for range 5 {
		for _, e := range w.envoys {
			w.cut(e)
			w.connect(e, w.replicas[w.rng.IntN(len(w.replicas))])
		}
		w.settleFor(time.Minute)
	}
	if n := w.store.Writes() - writes; n > 20*len(w.replicas) {
		w.failf("%d writes for Envoys that move", n)
	}
	for _, e := range w.envoys {
		for _, name := range w.names {
			if p := e.provider(name); stored[e.id+name] != p.stored && w.snapshot.Get(name) != nil && len(w.moody) == 0 {
				w.failf("%s: %s is loaded again after a move: %s, then %s", e.id, name, stored[e.id+name], p.stored)
			}
		}
	}
}

// checkBlackout takes the ledger away, restarts every replica from its disk and an Envoy, and
// checks that every Envoy has its filter.
func (w *replicasWorld) checkBlackout() {
	for _, r := range w.replicas {
		r.memory = r.m.Memory()
	}
	w.cutOff = true
	for _, r := range w.replicas {
		w.kill(r)
	}
	w.envoys[0].providers = map[string]*provider{}
	w.heal()
	w.settleFor(time.Minute)
	w.checkConfigs()
	for _, f := range w.snapshot.All() {
		record, _ := w.store.Record(f.Name)
		for _, e := range w.envoys {
			w.checkEnvoy(e, f, record.Stable)
		}
	}
}
