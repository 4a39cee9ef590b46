package control

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/desired"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// syncs is the owner's knowledge about running syncs.
type syncs struct {
	waiting []*syncRequest
	reading bool                 // local files of the newest set are being read
	open    []desired.Unfinished // the open specs of the last plan
}

// syncRequest waits for a plan of the sets that arrived before the request.
type syncRequest struct {
	polled bool          // the followed tags are being polled, or were polled
	done   chan struct{} // closed when result is set
	result api.Sync
}

// Sync has the source read its specs, and returns the outcome. The source emits the set before
// Sync of the source returns. Therefore the set is in the inbox before the request.
// See docs/RATIONALE.md#why-does-status---wait-ask-for-a-read-first.
func (c *Control) Sync(ctx context.Context) (api.Sync, *api.Error) {
	unread := c.readNow(ctx)
	if ctx.Err() != nil {
		return api.Sync{}, c.syncTimeout("the specs are still being read")
	}
	r := &syncRequest{done: make(chan struct{})}
	select {
	case c.inbox <- r:
	case <-c.done:
		return api.Sync{}, stopping()
	}
	select {
	case <-r.done:
		if unread != nil {
			r.result.Error = unread
		}
		return r.result, nil
	case <-c.done:
		return api.Sync{}, stopping()
	case <-ctx.Done():
		missing := ""
		c.ask(func() {
			missing = c.missing()
			c.syncs.waiting = slices.DeleteFunc(c.syncs.waiting, func(one *syncRequest) bool { return one == r })
		})
		return api.Sync{}, c.syncTimeout(missing)
	}
}

func stopping() *api.Error {
	return &api.Error{Code: "stopping", Message: "the server is stopping"}
}

func (c *Control) syncTimeout(missing string) *api.Error {
	return &api.Error{
		Code: api.CodeSyncTimeout, Message: "the specs are not read, fetched and tried in the given time: " + missing,
		Hint: "give it a longer timeout; `wasm-xds status` shows what is wrong meanwhile",
	}
}

// readNow has the source read its specs, and returns an error if the read failed.
func (c *Control) readNow(ctx context.Context) *api.Error {
	syncer, ok := c.cfg.Source.(source.Syncer)
	if !ok {
		return nil
	}
	err := syncer.Sync(ctx)
	var worded *spec.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &worded):
		return apiError(worded)
	default:
		return &api.Error{Code: "source_not_read", Message: "the specs could not be read: " + err.Error(), Hint: "see the server's log"}
	}
}

// answerSyncs answers the waiting requests once no spec of the set is pending.
func (c *Control) answerSyncs(ctx context.Context) {
	if len(c.syncs.waiting) == 0 || c.set != nil && (!c.syncs.settled() || c.tags.Polling() || c.pollFor(ctx)) {
		return
	}
	result := c.synced()
	for _, r := range c.syncs.waiting {
		r.result = result
		close(r.done)
	}
	c.syncs.waiting = nil
}

// pollFor polls the tags that specs follow, for syncs that have not done so, and says whether the
// syncs have to wait. An older poll may have missed a push.
func (c *Control) pollFor(ctx context.Context) bool {
	asks := false
	for _, r := range c.syncs.waiting {
		asks = asks || !r.polled
		r.polled = true
	}
	if !asks {
		return false
	}
	c.tags.PollNow(time.Now())
	c.pollTags(ctx)
	return c.tags.Polling()
}

// settled says whether the outcome of each spec is known.
func (s *syncs) settled() bool {
	return !s.reading && !slices.ContainsFunc(s.open, func(o desired.Unfinished) bool { return o.Pending })
}

// missing names the work that a sync waits for.
func (c *Control) missing() string {
	switch pending := c.pendingNames(); {
	case len(pending) > 0:
		return "still fetched or tried: " + shortList(pending)
	case c.tags.Polling():
		return "a registry is still asked where tags lead"
	default:
		return "local files are still read"
	}
}

func (c *Control) pendingNames() []string {
	var names []string
	for _, o := range c.syncs.open {
		if o.Pending {
			names = append(names, o.Spec.Name)
		}
	}
	return names
}

// shortList is the first few names, and the number of the remaining ones.
func shortList(names []string) string {
	const most = 5
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// synced is the outcome of the newest set.
func (c *Control) synced() api.Sync {
	out := api.Sync{Version: c.snapshot.Version()}
	if c.plan.Held != nil || c.source.state == api.SourceUnavailable {
		out.Error = apiError(c.source.err)
	}
	for _, e := range c.source.errors {
		out.Errors = append(out.Errors, apiError(e))
	}
	refused := map[string]string{}
	for _, o := range c.syncs.open {
		refused[o.Spec.Name] = o.Refused
	}
	for _, w := range c.snapshot.All() {
		st, ok := c.machine.Brief(w.Name)
		if !ok || st.Wanted == nil {
			continue
		}
		f := api.Filter{Name: w.Name, State: api.FilterActive}
		c.describe(&f, st)
		one := api.SyncFilter{Name: w.Name, State: f.State, SpecFile: f.SpecFile, Error: f.Error, Refused: refused[w.Name]}
		if st.Wanted.Revision != nil {
			one.Revision = st.Wanted.Revision.ID
		}
		out.Filters = append(out.Filters, one)
	}
	return out
}
