package delivery

import (
	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// halts stops rollouts, and reports how rollouts move.
type halts struct{ *step }

// carryOut carries out the requests of an advance of the rollout.
func (e halts) carryOut(f *filter, r *snapshot.Revision, p *rollout.Progress) {
	if !p.Look.IsZero() {
		e.wakeFilter(f, p.Look)
	}
	if p.Save {
		e.save()
		e.change(f)
	}
	for _, m := range p.Moves {
		e.tell(RolloutMoved{Name: f.name, Revision: r.ID, Moved: m})
	}
}

// stop stops the rollout of the candidate. Its Envoys go back.
func (e halts) stop(f *filter, c *snapshot.Revision, stop rollout.Stop) {
	if f.rollout.Stops.Keep(stop, e.now) {
		e.save()
		e.tellStop(f, c, stop)
		e.touchFilter(f)
	}
	for _, g := range f.groups {
		e.endTrial(g, c)
	}
}

// tellStop reports a stop.
func (e halts) tellStop(f *filter, r *snapshot.Revision, stop rollout.Stop) {
	e.tell(e.moved(f, r, stop))
}

// moved is the report of a stop.
func (e halts) moved(f *filter, r *snapshot.Revision, stop rollout.Stop) RolloutMoved {
	facts := f.facts(r, e.now)
	wave := 0
	if w := f.rollout.Way; w != nil {
		wave = w.Wave
	}
	m := rollout.Moved{Move: rollout.Stopped, Wave: facts.WaveName(wave), Reason: f.describe(&stop, r).Message, By: stop.By}
	if stop.IsForAll() {
		m.Move = rollout.WentBack
	}
	return RolloutMoved{Name: f.name, Revision: r.ID, Moved: m}
}

func (e halts) endTrial(g *group, r *snapshot.Revision) {
	t := g.trials.of(r.ID)
	if t == nil {
		return
	}
	for _, u := range g.subs {
		if t.has(u.badge) {
			e.touch(u)
		}
	}
	g.endTrial(r.ID)
}

// endRefusedTrials ends the trials on versions that have refused r without stopping the rollout.
func (e halts) endRefusedTrials(f *filter, r *snapshot.Revision) {
	for _, g := range f.inOrder() {
		if g.refuses(r) {
			e.endTrial(g, r)
		}
	}
}
