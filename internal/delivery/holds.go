package delivery

import (
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// isHeld says whether no further Envoy may get the candidate for now.
func (f *filter) isHeld(c *snapshot.Revision, now time.Time) bool {
	if f.freeze.hold == nil && !f.rollout.Way.IsPaused() {
		return false
	}
	facts := f.facts(c, now)
	return f.rollout.IsHeld(&facts)
}

// lingers says whether the rollout of the candidate lasts longer than the answers of its canaries.
func (f *filter) lingers(c *snapshot.Revision, now time.Time) bool {
	facts := f.facts(c, now)
	return facts.Lingers() || f.rollout.IsHeld(&facts)
}

// mayStandIn says whether the candidate may go to an Envoy that nothing else loads on. While a
// rollout lingers, it may not: the Envoy is not in the wave.
func (f *filter) mayStandIn(c *snapshot.Revision, now time.Time) bool {
	switch stop := f.rollout.Stops.Of(c.ID); {
	case stop != nil:
		return !stop.IsForAll()
	case f.stoppedBy(c) != nil:
		return true
	default:
		return !f.lingers(c, now)
	}
}

// refusesStable says whether the stable revision does not load on an Envoy version.
func (f *filter) refusesStable(envoy string) bool {
	s := f.stable
	if s == nil {
		return false
	}
	v, judged := f.verdicts.Of(s, envoy)
	return judged && !v.Loads || tooOld(f.wanted, s, envoy) != nil || foundFor(f.verdicts, s, envoy) != nil
}

// members are the Envoys of the wave that run the candidate, by version; nil: there are none, or
// the rollout ends with their answers.
func (f *filter) members() (all map[string]int) {
	c := f.candidate()
	if c == nil || f.rollout.Way == nil || f.rollout.Stops.Of(c.ID) != nil || !f.lingers(c, time.Time{}) {
		return nil
	}
	for _, g := range f.groups {
		if n := g.running(c); n > 0 {
			if all == nil {
				all = map[string]int{}
			}
			all[g.envoy] = n
		}
	}
	return all
}

// asksForLooks says whether the wave under way, or the watch, needs looks at the health.
func (f *filter) asksForLooks(now time.Time) bool {
	w := f.rollout.Way
	if w.IsWatched() {
		return true
	}
	c := f.candidate()
	if c == nil || f.rollout.Of(c.ID) == nil {
		return false
	}
	facts := f.facts(c, now)
	return facts.Health(w.Wave) != nil
}
