package control

import (
	"context"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/command"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/desired"
	"github.com/wasm-xds/wasm-xds/internal/report"
	"github.com/wasm-xds/wasm-xds/internal/track"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// The functions of this file carry out the commands of users. They run on Run's goroutine.

// rollbackTo is the revision to which a rollback of the filter leads, with the filter's status.
func rollbackTo(v *report.View, name, revision string, pin bool) (st delivery.FilterStatus, to *snapshot.Revision, problem *api.Error) {
	st, ok := v.Machine.Brief(name)
	if !ok || st.Wanted == nil {
		return st, nil, command.NoFilter(name)
	}
	if v.Specs.Set() == nil {
		return st, nil, command.NotReadYet()
	}
	if problem := command.MayRollBack(st); problem != nil {
		return st, nil, problem
	}
	to, problem = command.RollBack(st, report.Revisions(v, name), revision, pin)
	return st, to, problem
}

func rollBack(c *Control, name, revision string, pin bool, by string) (api.Filter, *api.Error) {
	v := c.view
	st, target, problem := rollbackTo(v, name, revision, pin)
	if problem != nil {
		return api.Filter{}, problem
	}
	action, from := "rollback", ""
	if pin {
		action = "pin"
	}
	if r := st.Wanted.Revision; r != nil {
		from = r.ID
		c.chronicle.did(name, from, api.Action{At: time.Now(), Action: action, By: by})
	}
	described := v.Plan.Pins.Described(st.Wanted)
	v.Plan.Pins = v.Plan.Pins.RollBack(name, target, desired.Pin{Instead: described, Pinned: pin, By: by, At: time.Now().UTC().Round(0)})
	// Publish at once: the next plan may have to wait for files.
	_, holds := v.Plan.Pins[name]
	c.deliverer.publish(v.Snapshot.With(withRevision(v.Snapshot.All(), name, target, holds)))
	c.notices.rolledBack(name, target.ID, from, time.Now())
	f, _ := report.Filter(v, name, time.Now())
	return f, nil
}

// withRevision returns the filters with another revision for a filter. rolledBack says a
// rollback serves the revision.
func withRevision(filters []*snapshot.Filter, name string, r *snapshot.Revision, rolledBack bool) []*snapshot.Filter {
	changed := slices.Clone(filters)
	for i, f := range changed {
		if f.Name == name {
			other := *f
			other.Revision, other.RolledBack = r, rolledBack
			changed[i] = &other
		}
	}
	return changed
}

// unpin ends a rollback: the spec's revision is served.
func unpin(ctx context.Context, c *Control, name, by string) (api.Filter, *api.Error) {
	v := c.view
	st, ok := v.Machine.Brief(name)
	if !ok || st.Wanted == nil {
		return api.Filter{Name: name}, command.NoFilter(name)
	}
	if v.Specs.Set() == nil {
		return api.Filter{Name: name}, command.NotReadYet()
	}
	pin, holds := v.Plan.Pins[name]
	if problem := command.Unpin(name, holds); problem != nil {
		return api.Filter{Name: name}, problem
	}
	c.cfg.Logger.Info("a rollback is unpinned: what the spec describes is served", zap.String("filter", name), zap.String("revision", pin.Instead), zap.String("by", by))
	c.chronicle.did(name, pin.Revision.ID, api.Action{At: time.Now(), Action: "unpin", By: by})
	v.Plan.Pins = v.Plan.Pins.Without(name)
	c.advance(ctx)
	f, _ := report.Filter(v, name, time.Now())
	return f, nil
}

// toRetry is the revision to try again. foretold says the sandbox has refused the revision of the
// spec, so the sandbox tries it again, too.
func toRetry(v *report.View, st delivery.FilterStatus, revision string) (r *snapshot.Revision, foretold bool, problem *api.Error) {
	refused := func(id string) bool { return v.Machine.IsRefused(st.Name, id) }
	r, problem = command.Retry(st, report.Revisions(v, st.Name), revision, refused)
	if problem != nil {
		return nil, false, problem
	}
	one := v.Specs.Get(st.Name)
	foretold = len(r.Refusals) > 0 && one != nil && one.Revision() != nil && one.Revision().ID == r.ID
	if !foretold && !refused(r.ID) {
		return nil, false, command.NotRefused(st.Name, r)
	}
	return r, foretold, nil
}

func retry(ctx context.Context, c *Control, name, revision, by string) *api.Error {
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
	r, foretold, problem := toRetry(v, st, revision)
	if problem != nil {
		return problem
	}
	c.cfg.Logger.Info("a revision that was refused is tried again", zap.String("filter", name), zap.String("revision", r.ID))
	c.chronicle.did(name, r.ID, api.Action{At: time.Now(), Action: "retry", By: by})
	c.deliverer.step(delivery.Retried{Name: name, Revision: r.ID})
	if foretold {
		again()
	}
	return nil
}

// toForget is the answer to a command that forgets the filter.
func toForget(v *report.View, name string) (api.Forgotten, *api.Error) {
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
	return api.Forgotten{Name: name, Revisions: len(v.Machine.History(name)), IdleSince: st.IdleSince}, nil
}

func forget(c *Control, name string) (api.Forgotten, *api.Error) {
	v := c.view
	done, problem := toForget(v, name)
	if problem != nil {
		return api.Forgotten{}, problem
	}
	c.cfg.Logger.Info("a removed filter is forgotten: a command says so", zap.String("filter", name), zap.Int("revisions", done.Revisions))
	c.cfg.Metrics.FilterForgotten(name)
	c.notices.forget(name)
	rest := slices.DeleteFunc(slices.Clone(v.Snapshot.All()), func(f *snapshot.Filter) bool { return f.Name == name })
	c.deliverer.publish(v.Snapshot.With(rest))
	return done, nil
}
