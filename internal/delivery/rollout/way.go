package rollout

import (
	"maps"
	"slices"
	"time"
)

// Way is the present rollout of a filter: how far its revision has come on the way to all Envoys,
// or the watch after the promotion.
type Way struct {
	Revision string
	Wave     int    // the index of the wave under way
	Waves    []Wave // the waves that have begun
	Skip     bool   // a user promotes the wave: its soak, health and pause do not count
	Paused   *Hold  // the pause by hand; nil: none
	Soaked   bool   // the soak of the wave is over
	Waits    bool   // the wave is over but for the spec's pause
	Overdue  bool   // the deadline of the wave has passed
	Look     Look   // the last look at the health, in this wave or in the watch
	Former   string // the stable revision before; not empty only during the watch after the promotion
	Target   int    // how many Envoys the wave should have; 0: not fixed
	Fleet    int    // the most Envoys of the filter during the wave

	soak  stopwatch // of the wave, or of the watch
	spent stopwatch // counts towards the deadline
	saved time.Time // when the state was saved because of the soak

	absent   absent
	settling time.Time // how long the fleet of a former process is awaited; zero: it is not
}

// Wave is a wave that has begun.
type Wave struct {
	Since    time.Time `json:"since"`
	PassedAt time.Time `json:"passedAt,omitzero"`
	By       string    `json:"by,omitempty"` // the promoting user; "": it passed by itself
}

// IsWatched says whether the revision was promoted and is watched.
func (w *Way) IsWatched() bool { return w != nil && w.Former != "" }

// setOut begins the way of a revision.
func setOut(revision string, now time.Time) *Way {
	return &Way{Revision: revision, Waves: []Wave{{Since: now.UTC().Round(0)}}}
}

// next begins the next wave.
func (w *Way) next(now time.Time) {
	w.Wave++
	w.Skip, w.Soaked, w.Waits, w.Overdue = false, false, false, false
	w.Look, w.Target, w.Fleet = Look{}, 0, 0
	w.soak.reset()
	w.spent.reset()
	w.Waves = append(slices.Clone(w.Waves), Wave{Since: now.UTC().Round(0)})
}

// awaitNobody ends all waits for Envoys that have gone.
func (w *Way) awaitNobody() {
	w.absent.clear()
	w.settling = time.Time{}
}

// pass notes that the present wave has passed.
func (w *Way) pass(now time.Time) {
	w.Waves = slices.Clone(w.Waves)
	w.Waves[w.Wave].PassedAt = now.UTC().Round(0)
}

// Record is the part of a [Way] that survives a restart.
type Record struct {
	Revision string        `json:"revision"`
	Wave     int           `json:"wave,omitempty"`
	Waves    []Wave        `json:"waves,omitempty"`
	Soak     time.Duration `json:"soak,omitempty"`  // the time that the wave, or the watch, has served
	Spent    time.Duration `json:"spent,omitempty"` // the time that counts towards the deadline
	Skip     bool          `json:"skip,omitempty"`
	Paused   *Hold         `json:"paused,omitempty"`
	Soaked   bool          `json:"soaked,omitempty"`
	Waits    bool          `json:"waits,omitempty"`
	Overdue  bool          `json:"overdue,omitempty"`
	Look     *Look         `json:"look,omitempty"`
	Former   string        `json:"former,omitempty"`
	Target   int           `json:"target,omitempty"`
	Fleet    int           `json:"fleet,omitempty"`
	// Members are how many Envoys of the wave run the revision, by Envoy version.
	Members map[string]int `json:"members,omitempty"`
}

// Record is the record of the rollout; nil: there is none. members are the connected Envoys of the
// wave that run the revision, by version. The absent ones are added.
func (w *Way) Record(members map[string]int) *Record {
	if w == nil {
		return nil
	}
	out := &Record{
		Revision: w.Revision, Wave: w.Wave, Waves: w.Waves, Soak: w.soak.total, Spent: w.spent.total, Skip: w.Skip, Paused: w.Paused,
		Soaked: w.Soaked, Waits: w.Waits, Overdue: w.Overdue, Former: w.Former, Target: w.Target, Fleet: w.Fleet,
	}
	if w.Look != (Look{}) {
		look := w.Look
		out.Look = &look
	}
	all := maps.Clone(members)
	add := func(envoy string, n int) {
		if all == nil {
			all = map[string]int{}
		}
		all[envoy] += n
	}
	for _, one := range w.absent.nodes {
		add(one.envoy, 1)
	}
	for envoy, n := range w.absent.restored {
		if n > 0 {
			add(envoy, n)
		}
	}
	out.Members = all
	return out
}

// restore is the way of a record. The Envoys of the wave are awaited until a time, and so is the
// rest of the fleet.
func restore(m *Record, until time.Time) *Way {
	w := &Way{
		Revision: m.Revision, Wave: m.Wave, Waves: m.Waves, Skip: m.Skip, Paused: m.Paused, Soaked: m.Soaked, Waits: m.Waits, Overdue: m.Overdue,
		Former: m.Former, Target: m.Target, Fleet: m.Fleet, soak: stopwatch{total: m.Soak}, spent: stopwatch{total: m.Spent},
		settling: until,
	}
	if m.Look != nil {
		w.Look = *m.Look
	}
	w.absent.restore(m.Members, until)
	return w
}

// IsPaused says whether a user has paused the rollout.
func (w *Way) IsPaused() bool { return w != nil && w.Paused != nil }

// Pause holds the rollout: no further Envoy gets the revision, and no wave passes. Pause says
// whether the rollout was not paused before.
func (w *Way) Pause(h Hold) bool {
	if w == nil || w.Paused != nil {
		return false
	}
	w.Paused = &h
	return true
}

// Resume ends a pause by hand, and says whether there was one. The time of the wave's deadline
// begins anew.
func (w *Way) Resume() bool {
	if w == nil || w.Paused == nil {
		return false
	}
	w.Paused, w.Overdue = nil, false
	w.spent.reset()
	return true
}

// promote lets the present wave pass without its soak, its health and its pause. No Envoy is
// awaited any more.
func (w *Way) promote(by string) {
	w.Skip, w.Paused, w.Waits = true, nil, false
	w.awaitNobody()
	w.Waves = slices.Clone(w.Waves)
	w.Waves[w.Wave].By = by
}

// Left notes that the stream of an Envoy has ended that runs the revision. The wave awaits the
// Envoy until a time.
func (w *Way) Left(node, envoy string, now, until time.Time) {
	if w != nil {
		w.absent.left(node, envoy, now, until)
	}
}

// Back notes that an Envoy is back, and says whether the wave awaited it. runs says that it runs
// the revision.
func (w *Way) Back(node, envoy string, runs bool, now time.Time) bool {
	return w != nil && w.absent.back(node, envoy, runs, now)
}

// Looked notes a look at the health of the revision.
func (w *Way) Looked(o Outcome, reason string, now time.Time) {
	w.Look = Look{Outcome: o, Reason: reason, At: now.UTC().Round(0)}
}

// Watch begins the watch after the promotion. former is the stable revision before.
func (w *Way) Watch(former string, now time.Time) {
	w.next(now)
	w.Former, w.Paused = former, nil
	w.awaitNobody()
}

// TakenBack notes that the watched revision is not stable any more.
func (w *Way) TakenBack() { w.Former = "" }

// isCheckpoint says whether the time has to be saved again.
func (w *Way) isCheckpoint(of time.Duration, now time.Time) bool {
	if now.Sub(w.saved) < checkpoint(of) && !w.saved.IsZero() {
		return false
	}
	w.saved = now
	return true
}
