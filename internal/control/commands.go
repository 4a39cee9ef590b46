package control

import (
	"context"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/command"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/report"
	"github.com/wasm-xds/wasm-xds/internal/track"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// The functions of this file carry out the commands of users. They run on Run's goroutine.

func rollBack(c *Control, name, revision string) (api.Filter, *api.Error) {
	v := c.view
	st, ok := v.Machine.Brief(name)
	if !ok || st.Wanted == nil {
		return api.Filter{}, command.NoFilter(name)
	}
	if v.Specs.Set() == nil {
		return api.Filter{}, command.NotReadYet()
	}
	if problem := command.MayRollBack(st); problem != nil {
		return api.Filter{}, problem
	}
	target, problem := command.RollBack(st, report.Revisions(v, name), revision)
	if problem != nil {
		return api.Filter{}, problem
	}
	from := ""
	if r := st.Wanted.Revision; r != nil {
		from = r.ID
		c.chronicle.did(name, from, api.Action{At: time.Now(), Action: "rollback"})
	}
	v.Plan.Pins = v.Plan.Pins.RollBack(name, target, v.Plan.Pins.Described(st.Wanted))
	// Publish at once: the next plan may have to wait for files.
	c.deliverer.publish(v.Snapshot.With(withRevision(v.Snapshot.All(), name, target)))
	c.notices.rolledBack(name, target.ID, from, time.Now())
	f, _ := report.Filter(v, name, time.Now())
	return f, nil
}

// withRevision returns the filters with another revision for a filter.
func withRevision(filters []*snapshot.Filter, name string, r *snapshot.Revision) []*snapshot.Filter {
	changed := slices.Clone(filters)
	for i, f := range changed {
		if f.Name == name {
			other := *f
			other.Revision = r
			changed[i] = &other
		}
	}
	return changed
}

func retry(ctx context.Context, c *Control, name, revision string) *api.Error {
	v := c.view
	st, ok := v.Machine.Status(name)
	if !ok || st.Wanted == nil {
		return command.NoFilter(name)
	}
	if v.Specs.Set() == nil {
		return command.NotReadYet()
	}
	one := v.Specs.Get(name)
	c.notices.retried(name)
	again := func() {
		if v.Specs.Retry(one, time.Now()) {
			c.saves.findingsSoon()
		}
		c.advance(ctx)
	}
	if unmade := one != nil && one.Phase() != track.Ready && v.Plan.Problems[name] != nil; unmade && revision == "" {
		// The newest content has no revision.
		c.cfg.Logger.Info("a spec that was refused is tried again", zap.String("filter", name))
		again()
		return nil
	}
	refused := func(id string) bool { return v.Machine.IsRefused(name, id) }
	r, problem := command.Retry(st, report.Revisions(v, name), revision, refused)
	if problem != nil {
		return problem
	}
	foretold := len(r.Refusals) > 0 && one != nil && one.Revision() != nil && one.Revision().ID == r.ID
	if !foretold && !refused(r.ID) {
		return command.NotRefused(name, r)
	}
	c.cfg.Logger.Info("a revision that was refused is tried again", zap.String("filter", name), zap.String("revision", r.ID))
	c.chronicle.did(name, r.ID, api.Action{At: time.Now(), Action: "retry"})
	c.deliverer.step(delivery.Retried{Name: name, Revision: r.ID})
	if foretold {
		again()
	}
	return nil
}

func promote(c *Control, name string) (api.Filter, *api.Error) {
	none := api.Filter{Name: name}
	st, ok := c.view.Machine.Status(name)
	if !ok || st.Wanted == nil {
		return none, command.NoFilter(name)
	}
	if problem := command.Promote(st); problem != nil {
		return none, problem
	}
	c.cfg.Logger.Info("a rollout is promoted: it goes on without the canaries that it waits for",
		zap.String("filter", name), zap.String("revision", st.Rollout.Revision))
	c.chronicle.did(name, st.Rollout.Revision, api.Action{At: time.Now(), Action: "promote"})
	c.deliverer.step(delivery.Promoted{Name: name, Revision: st.Rollout.Revision})
	f, _ := report.Filter(c.view, name, time.Now())
	return f, nil
}

func forget(c *Control, name string) (api.Forgotten, *api.Error) {
	v := c.view
	st, ok := v.Machine.Status(name)
	if !ok {
		return api.Forgotten{}, command.NoFilter(name)
	}
	if v.Specs.Set() == nil {
		return api.Forgotten{}, command.NotReadYet()
	}
	if problem := command.Forget(st, v.Specs.Get(name) != nil, v.Plan.Problems[name], v.Plan.Held != nil, time.Now()); problem != nil {
		return api.Forgotten{}, problem
	}
	done := api.Forgotten{Name: name, Revisions: len(v.Machine.History(name)), IdleSince: st.IdleSince}
	c.cfg.Logger.Info("a removed filter is forgotten: a command says so", zap.String("filter", name), zap.Int("revisions", done.Revisions))
	c.cfg.Metrics.FilterForgotten(name)
	c.notices.forget(name)
	rest := slices.DeleteFunc(slices.Clone(v.Snapshot.All()), func(f *snapshot.Filter) bool { return f.Name == name })
	c.deliverer.publish(v.Snapshot.With(rest))
	return done, nil
}
