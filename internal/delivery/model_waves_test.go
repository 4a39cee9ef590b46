package delivery

import (
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// modelWaves are what the model knows about waves beside the machine.
type modelWaves struct {
	back   map[string]bool // revisions that went back: no Envoy may get them
	ended  map[string]bool // revisions that were refused or lost: no other version may try them
	played map[rollout.Move]int
	held   int // rollbacks that went through a freeze
}

func newModelWaves() modelWaves {
	return modelWaves{back: map[string]bool{}, ended: map[string]bool{}, played: map[rollout.Move]int{}}
}

// rolloutOf draws the waves of a spec. Half of the specs have none.
func (w *world) rolloutOf() (r spec.Rollout) {
	if w.rng.IntN(2) == 0 {
		return r
	}
	r.Soak = time.Duration(w.rng.IntN(3)) * time.Second
	if w.rng.IntN(2) == 0 {
		r.Steps = []spec.Step{{Count: 2}}
	}
	if w.rng.IntN(2) == 0 {
		r.Steps = append(r.Steps, spec.Step{Percent: 67 + w.rng.IntN(34)})
	}
	r.Pause = w.rng.IntN(6) == 0
	if w.rng.IntN(3) == 0 {
		r.Health = &spec.Health{After: time.Duration(w.rng.IntN(2)) * time.Second}
	}
	if w.rng.IntN(4) == 0 {
		r.Deadline, r.OnDeadline = 15*time.Second, spec.Back
	}
	return r
}

// former is an earlier revision of all Envoys to which a user can roll back; nil: there is none.
func (w *world) former(name string) *snapshot.Revision {
	f := w.m.filters.get(name)
	if f == nil {
		return nil
	}
	for _, r := range f.older {
		if f.wasStable(r) && f.rollout.Stops.Of(r.ID) == nil {
			return r
		}
	}
	return nil
}

// steer plays a command of a user, or a look at the health.
func (w *world) steer() {
	name := w.names[w.rng.IntN(len(w.names))]
	f := w.snapshot.Get(name)
	if f == nil || f.Revision == nil {
		return
	}
	id := f.Revision.ID
	switch w.rng.IntN(8) {
	case 0:
		w.step(Paused{Name: name, Revision: id, By: "ann"})
	case 1:
		w.step(Resumed{Name: name, Revision: id})
	case 2:
		w.step(Aborted{Name: name, Revision: id, By: "ann"})
	case 3:
		w.step(Frozen{By: "ann"})
	case 4:
		w.step(Thawed{})
	default:
		outcomes := []rollout.Outcome{rollout.Good, rollout.Good, rollout.Bad, rollout.NoEvidence, rollout.SourceLost}
		w.step(HealthLooked{Filter: name, Revision: id, Outcome: outcomes[w.rng.IntN(len(outcomes))], Reason: "figures"})
	}
}

// noteMove notes an end of a rollout. The command line waits for the disk.
func (w *world) noteMove(a RolloutMoved) {
	w.waves.played[a.Move]++
	switch a.Move {
	case rollout.WentBack:
		w.waves.back[a.Revision] = true
		w.durable = true
	case rollout.Stopped:
		w.waves.ended[a.Revision] = true
		w.durable = true
	case rollout.WavePassed, rollout.Soaked, rollout.Waits, rollout.Promoted, rollout.Watched, rollout.DeadlinePassed:
	}
}

// forgetStops notes that a revision is tried again, or that its filter is forgotten.
func (w *world) forgetStops(revision string) {
	delete(w.waves.back, revision)
	delete(w.waves.ended, revision)
}

// restoreStops keeps the stops that the disk has: a crash may come before a save.
func (w *world) restoreStops() {
	saved := map[string]bool{}
	note := func(f FilterMemory) {
		for _, s := range f.Stops {
			saved[s.Revision] = true
		}
	}
	for _, f := range w.memory.Filters {
		note(f)
	}
	for _, u := range w.memory.Unsettled.Filters {
		if w.memory.Unsettled.Seq > w.memory.Seq {
			note(u.Filter)
		}
	}
	for _, all := range []map[string]bool{w.waves.back, w.waves.ended} {
		for id := range all {
			if !saved[id] {
				delete(all, id)
			}
		}
	}
}

// checkWave checks that no Envoy outside the wave gets the candidate, and that no stopped revision
// is sent again.
func (w *world) checkWave(s StreamID, r Resource, unproven bool) {
	if r.Revision.BuiltIn {
		return
	}
	id := r.Revision.ID
	if w.waves.back[id] && !w.keeps(w.streams[s], r) {
		w.failf("stream %d: %s went back, and is sent again", s, r.Version)
	}
	if unproven && w.waves.ended[id] {
		w.failf("stream %d: the rollout of %s has stopped, and another version tries it", s, r.Version)
	}
	f := w.m.filters.get(r.Name)
	if f == nil || f.candidate() == nil || f.candidate().ID != id {
		return
	}
	facts := f.facts(f.candidate(), w.now)
	if !facts.Lingers() && !f.rollout.IsHeld(&facts) {
		return
	}
	var to *sub
	members, run := 0, 0
	for _, u := range f.subs {
		if u.s.id == s {
			to = u
		}
		if u.tries(f.candidate()) {
			members++
			if u.runs(f.candidate()) {
				run++
			}
		}
	}
	if to == nil || f.stoppedBy(f.candidate()) != nil {
		return
	}
	if !to.tries(f.candidate()) {
		w.failf("stream %d: %s is sent outside of the wave", s, r.Version)
	}
	if f.rollout.IsHeld(&facts) && !to.runs(f.candidate()) {
		w.failf("stream %d: %s is sent although its rollout is held", s, r.Version)
	}
	if most := w.waveSize(f, &facts); members > max(most, run)+len(f.groups) {
		w.failf("stream %d: %s goes to %d Envoys, and the wave has %d: %+v, %+v, %d run it", s, r.Version, members, most, *f.rollout.Way, facts.Policy, run)
	}
}

// keeps says whether the Envoy runs the very revision, and the stable one does not load there or
// could not be read. The revision is then sent once more to replace refused bytes. The accepted
// bytes change nothing, and may list a SotW client's versions.
func (w *world) keeps(e *modelEnvoy, r Resource) bool {
	running, f := e.provider(r.Name).running, w.m.filters.get(r.Name)
	s := f.stable
	loads := s != nil && !w.bad[s.ID] && !w.moodyAbout[s.ID] && s.RefusalFor(e.version) == nil &&
		!slices.ContainsFunc(f.subs, func(u *sub) bool { return u.s.id == e.stream && u.refusal(s.ID) != nil })
	accepted := e.provider(r.Name).accepted == r.Version.String()
	return running != nil && running.ID == r.Revision.ID && (!loads || accepted)
}

// waveSize is how many Envoys the wave may have. An Envoy of each further version comes on top, and
// an Envoy that is back after another has taken its place.
func (w *world) waveSize(f *filter, facts *rollout.Facts) int {
	all, steps := 0, facts.Rollout.Steps
	for _, g := range f.groups {
		all += len(g.subs)
	}
	size := len(f.groups)
	switch wave := f.rollout.Way.Wave; {
	case wave > 0 && wave <= len(steps) && steps[wave-1].Count > 0:
		size = max(size, steps[wave-1].Count)
	case wave > 0:
		size = all
	case facts.Policy.Selector != nil:
		size = max(size, 1)
	case facts.Policy.Count == 0:
		size = all
	default:
		size = max(size, facts.Policy.Count)
	}
	return size
}

// endHolds ends by hand what holds rollouts. A freeze stays now and then.
func (w *world) endHolds() {
	if w.rng.IntN(2) == 0 {
		w.step(Thawed{})
	}
	for _, name := range w.names {
		st, _ := w.m.Status(name)
		if st.Wanted == nil || st.Wanted.Revision == nil || st.Rollout == nil {
			continue
		}
		id := st.Wanted.Revision.ID
		if st.Rollout.Paused != nil {
			w.step(Resumed{Name: name, Revision: id})
		}
		if p := st.Problem; p != nil && (p.Code == CodeAborted || p.Code == CodeUnhealthy || p.Code == CodeOverdue) {
			w.retry(name)
		}
	}
}

// goOn lets everything go on that waits for a user or for a look, and says whether anything did.
func (w *world) goOn() (is bool) {
	for _, t := range w.m.Trials() {
		if f := w.m.filters.get(t.Filter); f.rollout.Way.Look.Outcome != rollout.Good {
			w.step(HealthLooked{Filter: t.Filter, Revision: t.Revision, Outcome: rollout.Good})
			is = true
		}
	}
	for _, name := range w.names {
		st, _ := w.m.Status(name)
		if st.Rollout != nil && st.Rollout.WaitsForUser && st.Rollout.Freeze == nil {
			w.promote(name)
			is = true
		}
	}
	return is
}

// isFrozen says whether the freeze holds the filter's wanted revision. A way back is never held.
func (w *world) isFrozen(name string) bool {
	f := w.m.filters.get(name)
	if w.m.Freeze() == nil || f == nil || f.candidate() == nil {
		return false
	}
	facts := f.facts(f.candidate(), w.now)
	if facts.IsBack() {
		w.waves.held++
	}
	return !facts.IsBack()
}
