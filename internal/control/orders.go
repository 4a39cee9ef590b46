package control

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/command"
	"github.com/wasm-xds/wasm-xds/internal/ledger"
	"github.com/wasm-xds/wasm-xds/internal/report"
	"github.com/wasm-xds/wasm-xds/internal/track"
)

// The functions of this file carry out the commands of users where several replicas decide
// together: any replica takes a command, the leader carries it out, and the outcome comes back.

// orderLimit bounds the wait for the leader. Another replica leads within that time after a leader
// is gone.
const orderLimit = 20 * time.Second

// order hands the command that choose returns to the leader, and waits for the outcome. choose runs
// on Run's goroutine, and so does answer, once this replica knows of the change. A command with no
// kind concerns this replica alone.
func order[T any](ctx context.Context, a *API, choose func(context.Context) (ledger.Command, *api.Error), answer func() T) (T, *api.Error) {
	var result T
	problem := command.Stopping()
	var outcome <-chan string
	c := a.c
	by := api.UserOf(ctx)
	var asked ledger.Command
	c.inbox.ask(func(in context.Context) {
		if asked, problem = choose(in); problem != nil || asked.Kind == "" {
			result = answer()
			return
		}
		if why := c.fleet.Load().Problem; why != "" {
			problem = command.NoLedger(why)
			return
		}
		asked.ID, asked.By, asked.Replica, asked.At = newID(), by, c.cfg.Replica.Replica, time.Now().UTC().Round(0)
		c.cfg.Logger.Info("a command goes to the leader of the replicas", zap.String("command", string(asked.Kind)),
			zap.String("filter", asked.Filter), zap.String("revision", asked.Revision), zap.String("by", by))
		outcome = c.replicas.ask(asked)
	})
	if outcome == nil {
		return result, problem
	}
	limit := time.NewTimer(orderLimit)
	defer limit.Stop()
	select {
	case refusal := <-outcome:
		if refusal != "" {
			return result, command.LeaderRefused(refusal)
		}
	case <-c.inbox.done:
		return result, command.Stopping()
	case <-limit.C:
		a.ask(func(*report.View) { c.replicas.end(asked.ID, "") })
		return result, command.NoOutcome(c.fleet.Load().Leader)
	case <-ctx.Done():
		a.ask(func(*report.View) { c.replicas.end(asked.ID, "") })
		return result, command.NoOutcome(c.fleet.Load().Leader)
	}
	c.inbox.ask(func(context.Context) { result = answer() })
	return result, nil
}

// newID is a random name of a command.
func newID() string {
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails
	return hex.EncodeToString(id[:])
}

// filterNow answers a command on a filter.
func (a *API) filterNow(name string) func() api.Filter {
	return func() api.Filter {
		f, known := report.Filter(a.c.view, name, time.Now())
		if !known {
			f.Name = name
		}
		return f
	}
}

// orderRollback is [API.Rollback] with several replicas.
func (a *API) orderRollback(ctx context.Context, name, revision string, pin bool) (api.Filter, *api.Error) {
	return order(ctx, a, func(context.Context) (ledger.Command, *api.Error) {
		v := a.c.view
		st, target, problem := rollbackTo(v, name, revision, pin)
		if problem != nil {
			return ledger.Command{}, problem
		}
		described := st.Wanted.Revision.ID
		if f := v.Snapshot.Get(name); f != nil && f.Revision != nil {
			described = f.Revision.ID // as the source has it, whatever the record wants
		}
		return ledger.Command{Kind: ledger.RollBack, Filter: name, Revision: target.ID, Instead: described, Pinned: pin}, nil
	}, a.filterNow(name))
}

// orderUnpin is [API.Unpin] with several replicas.
func (a *API) orderUnpin(ctx context.Context, name string) (api.Filter, *api.Error) {
	return order(ctx, a, func(context.Context) (ledger.Command, *api.Error) {
		st, ok := a.c.view.Machine.Brief(name)
		if !ok || st.Wanted == nil {
			return ledger.Command{}, command.NoFilter(name)
		}
		return ledger.Command{Kind: ledger.Unpin, Filter: name}, nil
	}, a.filterNow(name))
}

// orderRetry is [API.Retry] with several replicas. What this replica's own source or sandbox has
// refused is tried again here, and what an Envoy has refused everywhere.
func (a *API) orderRetry(ctx context.Context, name, revision string) (api.Filter, *api.Error) {
	return order(ctx, a, func(in context.Context) (ledger.Command, *api.Error) {
		c, v := a.c, a.c.view
		st, ok := v.Machine.Status(name)
		if !ok || st.Wanted == nil {
			return ledger.Command{}, command.NoFilter(name)
		}
		one := v.Specs.Get(name)
		if unmade := one != nil && one.Phase() != track.Ready && v.Plan.Problems[name] != nil; unmade && revision == "" {
			return ledger.Command{}, retry(in, c, name, revision, api.UserOf(ctx))
		}
		r, foretold, problem := toRetry(v, st, revision)
		if problem != nil {
			return ledger.Command{}, problem
		}
		if foretold {
			if v.Specs.Retry(one, time.Now()) {
				c.saves.findingsSoon()
			}
			c.advance(in)
			if !v.Machine.IsRefused(name, r.ID) {
				return ledger.Command{}, nil
			}
		}
		c.notices.retried(name)
		return ledger.Command{Kind: ledger.Tried, Filter: name, Revision: r.ID}, nil
	}, a.filterNow(name))
}

// orderForget is [API.Forget] with several replicas.
func (a *API) orderForget(ctx context.Context, name string) (api.Forgotten, *api.Error) {
	done := api.Forgotten{Name: name}
	return order(ctx, a, func(context.Context) (ledger.Command, *api.Error) {
		to, problem := toForget(a.c.view, name)
		if problem != nil {
			return ledger.Command{}, problem
		}
		done = to
		return ledger.Command{Kind: ledger.Forget, Filter: name}, nil
	}, func() api.Forgotten { return done })
}
