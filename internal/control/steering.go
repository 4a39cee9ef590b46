package control

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/command"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/ledger"
	"github.com/wasm-xds/wasm-xds/internal/report"
)

// The functions of this file carry out the commands of users on rollouts. They run on Run's
// goroutine.

// steering is the command of a user on a rollout.
type steering struct {
	action, by, reason string
	may                func(delivery.FilterStatus) *api.Error // nil: the command is possible
	event              func(revision string) delivery.Event
}

// Pause holds a filter's rollout: no further Envoy gets the revision. Pause returns once the change
// is on disk.
func (a *API) Pause(ctx context.Context, name, reason string) (api.Filter, *api.Error) {
	by := api.UserOf(ctx)
	return a.steer(ctx, name, steering{"pause", by, reason, command.Pause, func(revision string) delivery.Event {
		return delivery.Paused{Name: name, Revision: revision, By: by, Reason: reason}
	}})
}

// Resume ends the pause of a filter's rollout.
func (a *API) Resume(ctx context.Context, name string) (api.Filter, *api.Error) {
	return a.steer(ctx, name, steering{"resume", api.UserOf(ctx), "", command.Resume, func(revision string) delivery.Event {
		return delivery.Resumed{Name: name, Revision: revision}
	}})
}

// Abort stops a filter's rollout, or the watch after its promotion: all Envoys get the stable
// revision.
func (a *API) Abort(ctx context.Context, name, reason string) (api.Filter, *api.Error) {
	by := api.UserOf(ctx)
	return a.steer(ctx, name, steering{"abort", by, reason, command.Abort, func(revision string) delivery.Event {
		return delivery.Aborted{Name: name, Revision: revision, By: by, Reason: reason}
	}})
}

// Promote has a filter's rollout continue: without the canaries that the rollout waits for, and
// without the soak, the health and the pause of the wave. Promote returns once the change is on
// disk.
func (a *API) Promote(ctx context.Context, name string) (api.Filter, *api.Error) {
	by := api.UserOf(ctx)
	return a.steer(ctx, name, steering{"promote", by, "", command.Promote, func(revision string) delivery.Event {
		return delivery.Promoted{Name: name, Revision: revision, By: by}
	}})
}

func (a *API) steer(ctx context.Context, name string, s steering) (api.Filter, *api.Error) {
	if a.shared() {
		return a.orderSteering(ctx, name, s)
	}
	return durably(ctx, a.c, func(context.Context) (api.Filter, *api.Error) { return a.c.steer(name, s) })
}

// steer has the machine take the event of a user if the command is possible.
func (c *Control) steer(name string, s steering) (api.Filter, *api.Error) {
	none := api.Filter{Name: name}
	st, ok := c.view.Machine.Status(name)
	if !ok || st.Wanted == nil {
		return none, command.NoFilter(name)
	}
	if problem := s.may(st); problem != nil {
		return none, problem
	}
	now, revision := time.Now(), st.Rollout.Revision
	c.journal.steered(s.action, name, revision, s.by, s.reason)
	c.chronicle.did(name, revision, api.Action{At: now, Action: s.action, By: s.by, Reason: s.reason})
	c.deliverer.step(s.event(revision))
	c.deliverer.tellSteered(s.action, api.Event{Name: name, Candidate: revision, By: s.by, Message: s.reason, Time: now})
	f, _ := report.Filter(c.view, name, now)
	return f, nil
}

// someone is the name of a user for a sentence.
func someone(by string) string { return cmp.Or(by, "a user") }

// because is ": the reason"; "": there is none.
func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}

// tellSteered tells the subscribers of events about a command that the machine does not report. The
// message of the event is the user's reason at first.
func (d *deliverer) tellSteered(action string, e api.Event) {
	who, of := someone(e.By), fmt.Sprintf("the rollout of revision %s of %s", e.Candidate, e.Name)
	switch action {
	case "pause":
		e.Type, e.Message = api.EventPaused, who+" has paused "+of+because(e.Message)
	case "resume":
		e.Type, e.Message = api.EventResumed, who+" has resumed "+of
	default:
		return
	}
	d.hub.Publish(e)
}

// Freeze is the freeze of the server.
func (a *API) Freeze() (f api.Freeze) {
	a.ask(func(v *report.View) { f = report.Freeze(v) })
	return f
}

// SetFreeze freezes the server, or ends the freeze. SetFreeze returns once the change is on disk.
func (a *API) SetFreeze(ctx context.Context, frozen bool, reason string) (api.Freeze, *api.Error) {
	if a.shared() {
		return a.orderFreeze(ctx, frozen, reason)
	}
	by := api.UserOf(ctx)
	return durably(ctx, a.c, func(context.Context) (api.Freeze, *api.Error) {
		c := a.c
		if problem := command.Freeze(report.Freeze(c.view), frozen); problem != nil {
			return report.Freeze(c.view), problem
		}
		e := api.Event{Type: api.EventThawed, By: by, Message: someone(by) + " has ended the freeze of the server", Time: time.Now()}
		if frozen {
			e.Type, e.Message = api.EventFrozen, someone(by)+" has frozen all rollouts of the server"+because(reason)
			c.cfg.Logger.Warn("the server is frozen: no revision goes to further Envoys, except those that all ran before",
				zap.String("by", by), zap.String("reason", reason))
			c.deliverer.step(delivery.Frozen{By: by, Reason: reason})
		} else {
			c.cfg.Logger.Info("the freeze of the server has ended", zap.String("by", by))
			c.deliverer.step(delivery.Thawed{})
		}
		c.hub.Publish(e)
		return report.Freeze(c.view), nil
	})
}

// orderSteering is [API.steer] with several replicas.
func (a *API) orderSteering(ctx context.Context, name string, s steering) (api.Filter, *api.Error) {
	return order(ctx, a, func(context.Context) (ledger.Command, *api.Error) {
		st, ok := a.c.view.Machine.Status(name)
		if !ok || st.Wanted == nil {
			return ledger.Command{}, command.NoFilter(name)
		}
		if problem := s.may(st); problem != nil {
			return ledger.Command{}, problem
		}
		a.c.chronicle.did(name, st.Rollout.Revision, api.Action{At: time.Now(), Action: s.action, By: s.by, Reason: s.reason})
		return ledger.Command{Kind: ledger.Kind(s.action), Filter: name, Revision: st.Rollout.Revision, Reason: s.reason}, nil
	}, a.filterNow(name))
}

// orderFreeze is [API.SetFreeze] with several replicas.
func (a *API) orderFreeze(ctx context.Context, frozen bool, reason string) (api.Freeze, *api.Error) {
	return order(ctx, a, func(context.Context) (ledger.Command, *api.Error) {
		if problem := command.Freeze(report.Freeze(a.c.view), frozen); problem != nil {
			return ledger.Command{}, problem
		}
		if frozen {
			return ledger.Command{Kind: ledger.Freeze, Reason: reason}, nil
		}
		return ledger.Command{Kind: ledger.Thaw, Reason: reason}, nil
	}, func() api.Freeze { return report.Freeze(a.c.view) })
}
