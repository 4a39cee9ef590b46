package rollout

import "time"

// Picture is the present rollout as a status shows it.
type Picture struct {
	Wave         int // the index of the wave under way
	Waves        []WavePicture
	Paused       *Hold     // by hand; nil: not paused
	WaitsForUser bool      // the wave is over but for the pause of the spec
	Frozen       bool      // a freeze holds the rollout
	Deadline     time.Time // when the wave is overdue; zero: never, or its time stands still
	Overdue      bool
	WatchUntil   time.Time // the end of the watch; zero: no watch is under way
	Look         Look
	HasHealth    bool // the spec asks for looks at the health
}

// WavePicture is one wave of a [Picture].
type WavePicture struct {
	Name      string
	Envoys    int
	State     WaveState
	Since     time.Time // zero: the wave has not begun
	SoakUntil time.Time // zero: it has no soak, or the soak stands still
	PassedAt  time.Time // zero: the wave is not over
}

// WaveState is the progress of a wave. The words are part of the API.
type WaveState string

// The states of a wave.
const (
	WaveWaits    WaveState = "waiting"
	WaveProceeds WaveState = "progressing"
	WaveSoaks    WaveState = "soaking"
	WaveIsOver   WaveState = "passed"
	WaveFailed   WaveState = "failed"
	WaveIsHeld   WaveState = "paused"
)

// Picture is the present rollout of the revision of the facts.
func (r *Rollout) Picture(f *Facts) (p Picture) {
	w := r.Of(f.Revision.ID)
	if w == nil {
		return p
	}
	takers, _ := f.Takers()
	stopped, held := r.Stopped(&f.View) != nil, r.IsHeld(f)
	p = Picture{Wave: w.Wave, Paused: w.Paused, WaitsForUser: w.Waits && !stopped, Frozen: f.Frozen && !f.IsBack() && !stopped, Overdue: w.Overdue, Look: w.Look}
	p.HasHealth = f.Health(w.Wave) != nil
	last := 0
	for !f.isLast(last) {
		last++
	}
	for i := range last + 2 {
		p.Waves = append(p.Waves, needs{r, f}.wavePicture(i, i > last, total(takers)))
	}
	if w.Wave >= len(p.Waves) {
		p.Wave = len(p.Waves) - 1 // the spec has fewer steps than before
	}
	now := &p.Waves[p.Wave]
	switch soak := f.soak(w.Wave) - w.soak.total; {
	case stopped:
		now.State = WaveFailed
	case held || w.Waits:
		now.State = WaveIsHeld
	case w.soak.runs && !w.Skip:
		now.State = WaveSoaks
		if soak > 0 {
			now.SoakUntil = w.soak.last.Add(soak)
		}
	}
	if limit := f.deadline(w.Wave); limit > 0 && w.spent.runs && !stopped {
		p.Deadline = w.spent.last.Add(limit - w.spent.total)
	}
	return p
}

// wavePicture is one wave, as if nothing held it.
func (n needs) wavePicture(wave int, isAll bool, all int) WavePicture {
	w, f := n.r.Way, n.f
	p := WavePicture{Name: f.WaveName(wave), Envoys: all, State: WaveWaits}
	step := f.step(wave)
	switch {
	case isAll:
		p.Name = "all"
	case wave == w.Wave && w.Target > 0:
		p.Envoys = min(w.Target, all)
	case step != nil:
		p.Envoys = share(step, all)
	default:
		p.Envoys = n.canaryNumber(all)
	}
	if wave < len(w.Waves) {
		p.Since, p.PassedAt, p.State = w.Waves[wave].Since, w.Waves[wave].PassedAt, WaveProceeds
		if wave < w.Wave {
			p.State = WaveIsOver
		}
	}
	return p
}

// canaryNumber is how many canaries the filter should have.
func (n needs) canaryNumber(all int) (number int) {
	f := n.f
	takers, _ := f.Takers()
	switch {
	case n.r.promoted == f.Revision.ID:
		number = 1
	case f.Policy.Selector != nil:
		for _, g := range takers {
			number += g.Preferred()
		}
	case f.Policy.Percent > 0:
		number = percent(f.Policy.Percent, all)
	case f.Policy.Count == 0:
		number = all
	default:
		number = f.Policy.Count
	}
	return min(max(number, len(takers)), all)
}

// WatchPicture is the watch after a promotion, as a soak of the last wave. after is the length of
// the watch.
func (r *Rollout) WatchPicture(after time.Duration, f *Facts) (p Picture) {
	w := r.Way
	p = Picture{Wave: w.Wave, Look: w.Look, HasHealth: true}
	takers, _ := f.Takers()
	for i := range w.Waves {
		wave := needs{r, f}.wavePicture(i, i == len(w.Waves)-1, total(takers))
		if wave.State = WaveIsOver; i == w.Wave {
			wave.State = WaveSoaks
		}
		p.Waves = append(p.Waves, wave)
	}
	p.WatchUntil = w.soak.last.Add(after - w.soak.total)
	return p
}

// Waits are the waits of the present wave for other things than the answers of its Envoys.
func (r *Rollout) Waits(f *Facts) (all []Wait) {
	w := r.Of(f.Revision.ID)
	if w == nil || !f.Lingers() {
		return nil
	}
	if (needs{r, f}).isSettling() || w.absent.awaitsRestored(f.Now) {
		all = append(all, Wait{Reason: WaitFleet, Since: w.Waves[w.Wave].Since, Until: w.settling})
	}
	all = append(all, w.absent.waits(f.Now)...)
	if !w.soak.runs || w.soak.at(f.Now) < f.soak(w.Wave) || f.Health(w.Wave) == nil || w.Skip {
		return all
	}
	since := w.Look.At
	if since.IsZero() {
		since = w.Waves[w.Wave].Since
	}
	switch w.Look.Outcome {
	case NoEvidence:
		all = append(all, Wait{Reason: WaitHealth, Since: since})
	case SourceLost:
		all = append(all, Wait{Reason: WaitSource, Since: since})
	case Unknown:
		all = append(all, Wait{Reason: WaitLook, Since: since})
	case Good, Bad:
	}
	return all
}
