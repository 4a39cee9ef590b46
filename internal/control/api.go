package control

import (
	"context"
	"errors"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/command"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/events"
	"github.com/wasm-xds/wasm-xds/internal/report"
	"github.com/wasm-xds/wasm-xds/internal/track"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// MayFetch says whether a client with a certificate of that key is served a filter with the module,
// see [delivery.Machine.MayFetch].
func (c *Control) MayFetch(ctx context.Context, certificate, sha256 string) (may bool) {
	look := func(context.Context) { may = c.view.Machine.MayFetch(certificate, sha256) }
	return c.Serves(sha256) && c.inbox.askForClient(ctx, look) && may
}

// Gave says whether this process has made the token of a GET.
func (c *Control) Gave(token string) bool { return c.view.Machine.Gave(token) }

// Filters returns every filter, sorted by name.
func (a *API) Filters() []api.Filter {
	var all []api.Filter
	askEach(a, func(v *report.View) []string { return v.Machine.Names() }, func(v *report.View, name string) {
		if f, ok := report.Filter(v, name, time.Now()); ok {
			all = append(all, f)
		}
	})
	return all
}

// Filter returns the filter of the name; false: there is none.
func (a *API) Filter(name string) (f api.Filter, found bool) {
	a.ask(func(v *report.View) { f, found = report.Filter(v, name, time.Now()) })
	return f, found
}

// Counts returns how many filters and subscribers are in each state.
func (a *API) Counts() api.Counts {
	counts := api.Counts{Filters: map[api.FilterState]int{}, Subscribers: map[api.SubscriberState]int{}}
	a.ask(func(v *report.View) { counts = report.Counts(v) })
	return counts
}

// Nodes returns every stream, and after them the gone Envoys.
func (a *API) Nodes() []api.Node {
	var all []api.Node
	askEach(a, func(v *report.View) []delivery.StreamID { return v.Machine.Streams() }, func(v *report.View, id delivery.StreamID) {
		if n, ok := report.Node(v, id); ok {
			all = append(all, n)
		}
	})
	a.ask(func(v *report.View) { all = append(all, report.Gone(v, time.Now())...) })
	return all
}

// History returns every kept revision of a filter; false: no spec ever had the name.
func (a *API) History(name string) (h api.History, found bool) {
	h.Name = name
	a.ask(func(v *report.View) { h, found = report.History(v, name) })
	return h, found
}

// Diff compares two revisions of a filter, see [report.Diff].
func (a *API) Diff(name, from, to string) (d api.Diff, problem *api.Error) {
	problem = command.Stopping()
	a.ask(func(v *report.View) { d, problem = report.Diff(v, name, from, to) })
	return d, problem
}

// Snapshot returns the served revisions.
func (a *API) Snapshot() api.Snapshot {
	out := api.Snapshot{Filters: map[string]string{}, LoadedFrom: "directory"}
	a.ask(func(v *report.View) { out = report.Snapshot(v) })
	return out
}

// Source returns how the sources are.
func (a *API) Source() api.Source {
	out := api.Source{Directory: a.c.cfg.Directory, State: api.SourceReading}
	a.ask(func(*report.View) { out = a.c.sources.answer() })
	return out
}

// Ready says why no snapshot can be served yet; nil: one can be.
func (a *API) Ready() error {
	if a.c.startup.ready.Load() {
		return nil
	}
	return errNotReady
}

var errNotReady = errors.New("there is no snapshot to serve yet")

// Subscribe delivers the events from now on, and the events that were missed since lastEventID.
func (a *API) Subscribe(lastEventID string) events.Subscription {
	return a.c.hub.Subscribe(lastEventID)
}

// Sync has the source read its specs, and returns the outcome. The source emits the set before
// Sync of the source returns. Therefore the set is in the inbox before the request.
// See docs/RATIONALE.md#why-does-status---wait-ask-for-a-read-first.
func (a *API) Sync(ctx context.Context) (api.Sync, *api.Error) {
	unread := readNow(ctx, a.c.cfg.Source)
	if ctx.Err() != nil {
		return api.Sync{}, command.SyncTimeout("the specs are still being read")
	}
	r := &syncRequest{done: make(chan struct{})}
	if !a.c.inbox.post(r) {
		return api.Sync{}, command.Stopping()
	}
	select {
	case <-r.done:
		if unread != nil {
			r.result.Error = unread
		}
		return r.result, nil
	case <-a.c.inbox.done:
		return api.Sync{}, command.Stopping()
	case <-ctx.Done():
		missing := ""
		a.ask(func(v *report.View) {
			missing = report.Missing(v)
			a.c.syncs.drop(r)
		})
		return api.Sync{}, command.SyncTimeout(missing)
	}
}

// readNow has the source read its specs, and returns an error if the read failed.
func readNow(ctx context.Context, from source.Source) *api.Error {
	syncer, ok := from.(source.Syncer)
	if !ok {
		return nil
	}
	err := syncer.Sync(ctx)
	var worded *spec.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &worded):
		return api.FromSpec(worded)
	default:
		return &api.Error{Code: "source_not_read", Message: "the specs could not be read: " + err.Error(), Hint: "see the server's log"}
	}
}

// durably carries out a command on Run's goroutine, and waits until the change survives a
// crash, so no crash undoes a reported success. It returns earlier if ctx ends.
func durably[T any](ctx context.Context, c *Control, run func(context.Context) (T, *api.Error)) (T, *api.Error) {
	var result T
	problem := command.Stopping()
	var saved <-chan struct{}
	c.inbox.ask(func(in context.Context) {
		if result, problem = run(in); problem == nil {
			saved = c.saves.state.Await(time.Now())
		}
	})
	if saved != nil {
		select {
		case <-saved:
		case <-c.inbox.done: // the last save has the change
		case <-ctx.Done():
		}
	}
	return result, problem
}

// Rollback serves an earlier revision until the filter's spec changes, or with pin until the filter
// is unpinned. It returns once the change is on disk.
// See docs/RATIONALE.md#how-long-does-a-rollback-hold.
func (a *API) Rollback(ctx context.Context, name, revision string, pin bool) (api.Filter, *api.Error) {
	if problem := a.withoutModule(name, revision, pin); problem != nil {
		return api.Filter{}, problem
	}
	if a.shared() {
		return a.orderRollback(ctx, name, revision, pin)
	}
	by := api.UserOf(ctx)
	return durably(ctx, a.c, func(context.Context) (api.Filter, *api.Error) { return rollBack(a.c, name, revision, pin, by) })
}

// withoutModule returns an error if the store cannot read the module of a rollback's target: no
// Envoy could load it, and no spec says where to fetch it. The file is read on the caller's
// goroutine.
func (a *API) withoutModule(name, revision string, pin bool) *api.Error {
	var target *snapshot.Revision
	a.ask(func(v *report.View) {
		if st, ok := v.Machine.Brief(name); ok && st.Wanted != nil {
			target, _ = command.RollBack(st, report.Revisions(v, name), revision, pin) // the rollback itself reports the error
		}
	})
	if target == nil || target.Code != nil {
		return nil
	}
	if _, err := a.c.cfg.Store.Read(target.Module.SHA256); err != nil {
		return command.ModuleUnreadable(name, target, err)
	}
	return nil
}

// Retry drops the refusals of a revision by Envoys and the sandbox, and tries the revision
// again: in the sandbox first, then on a canary, in other bytes. Retry returns once the change
// is on disk.
func (a *API) Retry(ctx context.Context, name, revision string) (api.Filter, *api.Error) {
	if a.shared() {
		return a.orderRetry(ctx, name, revision)
	}
	by := api.UserOf(ctx)
	return durably(ctx, a.c, func(in context.Context) (api.Filter, *api.Error) {
		if problem := retry(in, a.c, name, revision, by); problem != nil {
			return api.Filter{Name: name}, problem
		}
		f, _ := report.Filter(a.c.view, name, time.Now())
		if one := a.c.view.Specs.Get(name); f.Error == nil && one != nil && one.Phase() != track.Ready {
			f.Error = api.FromSpec(report.CheckingError(one.Spec())) // from the first moment on
		}
		return f, nil
	})
}

// Unpin ends a rollback. It returns once the change is on disk.
func (a *API) Unpin(ctx context.Context, name string) (api.Filter, *api.Error) {
	if a.shared() {
		return a.orderUnpin(ctx, name)
	}
	by := api.UserOf(ctx)
	return durably(ctx, a.c, func(in context.Context) (api.Filter, *api.Error) { return unpin(in, a.c, name, by) })
}

// Forget drops a filter without a spec, with its revisions, verdicts and history. Forget returns
// once the change is on disk.
func (a *API) Forget(ctx context.Context, name string) (api.Forgotten, *api.Error) {
	if a.shared() {
		return a.orderForget(ctx, name)
	}
	return durably(ctx, a.c, func(context.Context) (api.Forgotten, *api.Error) { return forget(a.c, name) })
}
