package rollout

import (
	"fmt"
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Decision is the next step of a rollout. At most one field is set.
type Decision struct {
	Stop     *Stop
	Promote  bool       // the revision is good for all at once
	Canaries []Canaries // needed before [Rollout.Advance] is asked
}

// Decide decides about the revision. The canaries are appended to room.
// See docs/RATIONALE.md#why-does-a-canary-policy-without-a-connected-node-hold-the-rollout.
func (r *Rollout) Decide(f *Facts, room []Canaries) Decision {
	if r.Of(f.Revision.ID) == nil {
		r.Way = setOut(f.Revision.ID, f.Now)
	}
	if stop := r.Stopped(&f.View); stop != nil {
		return Decision{Stop: stop}
	}
	takers, _ := f.Takers()
	if f.IsBack() && len(takers) > 0 && allLoad(takers, f.Revision) {
		return Decision{Promote: true} // back at once
	}
	if r.IsHeld(f) {
		return Decision{Canaries: room}
	}
	return Decision{Canaries: needs{r, f}.canaries(takers, room)}
}

// Move is an event of a rollout. The words are part of the API.
type Move string

// The moves.
const (
	WavePassed     Move = "wave_passed"       // all Envoys of the wave run the revision, and the next wave begins
	Soaked         Move = "soaked"            // the soak of the wave is over
	Waits          Move = "waits_for_promote" // the spec says pause, and the wave waits for a user
	Promoted       Move = "promoted"          // the revision goes to all Envoys
	Watched        Move = "watched"           // the watch after the promotion is over
	Stopped        Move = "stopped"           // an Envoy has refused the revision, or Envoys were lost with it
	WentBack       Move = "went_back"         // the Envoys with the revision go back to the stable revision
	DeadlinePassed Move = "deadline_passed"   // the wave is overdue
)

// Moved is a move with its wave.
type Moved struct {
	Move   Move
	Wave   string
	Reason string // one sentence; "": none is needed
	By     string // the user; "": none
}

// Progress is how far a rollout has come with the present facts.
type Progress struct {
	// Further says the next wave has begun: the caller decides anew.
	Further bool
	Promote bool  // the revision is good for all
	Stop    *Stop // the rollout is overdue, and goes back
	// Look is when the caller has to ask again; zero: no time is known.
	Look  time.Time
	Save  bool // a restart must know the new state
	Moves []Moved
}

// Advance notes the time, and says whether the wave is over. The caller has made the canaries of
// [Rollout.Decide].
func (r *Rollout) Advance(f *Facts) (p Progress) {
	a := advance{needs: needs{r, f}, w: r.Way, p: &p}
	takers, _ := f.Takers()
	a.w.Fleet = max(a.w.Fleet, total(takers))
	held := r.IsHeld(f)
	over, waits := a.isOver(a.isLive(takers))
	a.w.spent.run(len(takers) > 0 && !held && !waits, f.Now)
	if over && !held {
		a.pass()
		return p
	}
	a.checkDeadline()
	p.lookAt(a.w.absent.next(f.Now))
	if a.isSettling() {
		p.lookAt(a.w.settling)
	}
	return p
}

// advance is one look at the present wave.
type advance struct {
	needs
	w *Way
	p *Progress
}

// isLive says whether all Envoys of the wave run the revision.
func (a advance) isLive(takers []Group) bool {
	if a.w.Skip && a.w.Wave > 0 && len(takers) > 0 && allLoad(takers, a.f.Revision) {
		return true // a user does not want to wait for the others
	}
	if a.isSettling() || !a.passed() {
		return false
	}
	return !slices.ContainsFunc(takers, func(g Group) bool { return a.awaited(g) > 0 })
}

// isOver says whether nothing but a hold keeps the wave from passing, and whether it waits for a
// user alone.
func (a advance) isOver(live bool) (over, waits bool) {
	w, f, p := a.w, a.f, a.p
	w.soak.run(live, f.Now)
	if !live || w.Skip || f.IsDirect() {
		return live, false
	}
	soak := f.soak(w.Wave)
	if left := soak - w.soak.total; left > 0 {
		p.lookAt(f.Now.Add(min(left, checkpoint(soak))))
		p.Save = p.Save || w.isCheckpoint(soak, f.Now)
		return false, false
	}
	if soak > 0 && !w.Soaked {
		w.Soaked, p.Save = true, true
		p.tell(Moved{Move: Soaked, Wave: f.WaveName(w.Wave)})
	}
	if f.Health(w.Wave) != nil && w.Look.Outcome != Good {
		return false, false
	}
	if f.Rollout == nil || !f.Rollout.Pause {
		return true, false
	}
	if !w.Waits {
		w.Waits, p.Save = true, true
		p.tell(Moved{Move: Waits, Wave: f.WaveName(w.Wave)})
	}
	return false, true
}

// pass ends the wave, and begins the next.
func (a advance) pass() {
	w := a.w
	name := a.f.WaveName(w.Wave)
	w.pass(a.f.Now)
	if a.f.isLast(w.Wave) {
		a.p.Promote = true
		return
	}
	a.p.tell(Moved{Move: WavePassed, Wave: name, By: w.Waves[w.Wave].By})
	w.next(a.f.Now)
	a.p.Further, a.p.Save = true, true
}

// checkDeadline notes that the wave is overdue, or with another deadline in the spec not any more.
func (a advance) checkDeadline() {
	w, f := a.w, a.f
	limit := f.deadline(w.Wave)
	left := limit - w.spent.total
	if w.Overdue && (limit == 0 || left > 0) {
		w.Overdue, a.p.Save = false, true
	}
	switch {
	case limit == 0 || !w.spent.runs:
	case left > 0:
		a.p.lookAt(f.Now.Add(min(left, checkpoint(limit))))
		a.p.Save = a.p.Save || w.spent.total > 0 && w.isCheckpoint(limit, f.Now)
	default:
		a.isOverdue()
	}
}

// isOverdue tells once that the wave is overdue, and ends the rollout if the spec says so, also if
// the spec says so only now.
func (a advance) isOverdue() {
	w, f := a.w, a.f
	reason := a.overdueReason()
	if !w.Overdue {
		w.Overdue, a.p.Save = true, true
		a.p.tell(Moved{Move: DeadlinePassed, Wave: f.WaveName(w.Wave), Reason: reason})
	}
	if f.Rollout != nil && f.Rollout.OnDeadline == spec.Back && f.Stable != nil {
		a.p.Stop = &Stop{Revision: f.Revision.ID, Why: Overdue, Reason: reason}
	}
}

// overdueReason is "the wave canary has taken 10m0s, and is not over: ...".
func (a advance) overdueReason() string {
	w, f := a.w, a.f
	text := fmt.Sprintf("the wave %s has taken %s, and is not over", f.WaveName(w.Wave), f.deadline(w.Wave))
	if w.soak.total < f.soak(w.Wave) || f.Health(w.Wave) == nil {
		return text
	}
	switch w.Look.Outcome {
	case NoEvidence, SourceLost:
		return text + ": " + w.Look.Reason
	default:
		return text + ": nobody has looked at its health yet"
	}
}

// WatchOn notes the time of the watch. connected says whether any Envoy runs the revision. over
// says the watch has ended.
func (w *Way) WatchOn(after time.Duration, connected bool, now time.Time) (p Progress, over bool) {
	w.soak.run(connected, now)
	left := after - w.soak.total
	if left > 0 {
		p.lookAt(now.Add(min(left, checkpoint(after))))
		p.Save = w.isCheckpoint(after, now)
		return p, false
	}
	p.tell(Moved{Move: Watched, Wave: "all"})
	p.Save = true
	return p, true
}

func (p *Progress) tell(m Moved) { p.Moves = append(p.Moves, m) }

// lookAt has the caller look at a time, unless an earlier look is known; zero: no time.
func (p *Progress) lookAt(at time.Time) {
	if !at.IsZero() && (p.Look.IsZero() || at.Before(p.Look)) {
		p.Look = at
	}
}
