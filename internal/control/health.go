package control

import (
	"context"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
	"github.com/wasm-xds/wasm-xds/internal/health"
	"github.com/wasm-xds/wasm-xds/internal/report"
)

// Trials returns the waves with looks at their health, for the watcher. After the end of Run there
// are none.
func (c *Control) Trials() (all []health.Trial) {
	c.inbox.ask(func(context.Context) { all = report.Trials(c.view) })
	return all
}

// Looked takes the outcome of a look at the health of a wave. A look at a wave that is over
// meanwhile says nothing about the next wave.
func (c *Control) Looked(t *health.Trial, look api.RolloutHealth) {
	c.inbox.ask(func(context.Context) {
		revision, wave, since, ok := c.view.Machine.WaveOf(t.Filter)
		if !ok || revision != t.Revision || wave != t.Wave || !since.Equal(t.Began) {
			return
		}
		c.view.Looks.Keep(func(filter string) bool { return c.view.Snapshot.Get(filter) != nil })
		c.view.Looks.Set(t.Filter, t.Revision, look)
		c.deliverer.step(delivery.HealthLooked{
			Filter: t.Filter, Revision: t.Revision, Outcome: lookOutcome(look.Outcome), Reason: look.Message,
		})
	})
}

func lookOutcome(o api.HealthOutcome) rollout.Outcome {
	switch o {
	case api.HealthGood:
		return rollout.Good
	case api.HealthBad:
		return rollout.Bad
	case api.HealthNoEvidence:
		return rollout.NoEvidence
	case api.HealthSourceLost:
		return rollout.SourceLost
	case api.HealthUnknown:
	}
	return rollout.Unknown
}

// Figures returns the figures of the Envoys with a filter; false: there is no filter.
func (a *API) Figures(name string) (out api.FilterFigures, found bool) {
	var canary, stable report.Side
	var isOpen bool
	a.ask(func(v *report.View) { canary, stable, isOpen, found = report.Sides(v, name) })
	out = api.FilterFigures{Name: name, Seconds: int(health.PointsEvery / time.Second)}
	now := time.Now()
	points := func(of report.Side) api.FiguresSide {
		return health.Points(now, name, of.Revision, isOpen, of.Envoys, a.c.cfg.Reports)
	}
	out.Canary, out.Stable = points(canary), points(stable)
	return out, found
}
