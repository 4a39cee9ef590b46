package delivery

import (
	"cmp"
	"slices"
)

// trial is the trial of a filter; false: there is none.
func (e *statuses) trial(f *filter) (t Trial, is bool) {
	w := f.rollout.Way
	if w == nil || f.wanted == nil || f.rollout.Stops.Of(w.Revision) != nil {
		return Trial{}, false
	}
	r, former := f.candidate(), f.stable
	if w.IsWatched() {
		r, former = f.stable, f.find(w.Former)
	}
	if r == nil || former == nil || r.ID != w.Revision {
		return Trial{}, false
	}
	limits := f.wanted.Rollout.Health
	if facts := f.facts(r, e.now); !w.IsWatched() {
		limits = facts.Health(w.Wave)
	}
	if limits == nil {
		return Trial{}, false
	}
	t = Trial{Health: limits, Filter: f.name, Revision: r.ID, Stable: former.ID, Wave: w.Wave, Since: w.Waves[w.Wave].Since}
	for _, u := range f.subs {
		if u.state != Live || u.s.silent {
			continue
		}
		one := TrialEnvoy{Stream: u.s.id, Node: u.s.node.ID, Envoy: u.s.node.Version, Since: e.at(u.since)}
		switch {
		case u.runs(r) && (w.IsWatched() || u.tries(r)):
			t.Candidate = append(t.Candidate, one)
		case u.runs(former):
			t.StableSide = append(t.StableSide, one)
		}
	}
	byNode := func(a, b TrialEnvoy) int { return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.Stream, b.Stream)) }
	slices.SortFunc(t.Candidate, byNode)
	slices.SortFunc(t.StableSide, byNode)
	return t, true
}
