package control

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// History returns every kept revision of a filter.
func (c *Control) History(name string) (api.History, bool) {
	h := api.History{Name: name}
	found := false
	c.ask(func() {
		st, ok := c.machine.Brief(name)
		if found = ok && st.Wanted != nil; !found {
			return
		}
		f := api.Filter{Name: name, State: api.FilterActive}
		c.describe(&f, st)
		h.Error = f.Error
		wanted := c.plan.Pins.Described(st.Wanted)
		all := c.history(name)
		h.Rollback = offered(st, all)
		for _, s := range all {
			h.Revisions = append(h.Revisions, api.Revision{
				Revision: s.Revision.ID, State: api.RevisionState(s.Standing.String()), Wanted: s.Revision.ID == wanted,
				Since: s.Wish.At, Module: api.FromModule(c.newestModule(s.Revision)), SpecFile: s.Wish.SpecFile, Error: apiProblem(s.Problem),
				ServedSeconds: int64(s.Served.Seconds()), Changes: s.Changes,
			})
		}
	})
	return h, found
}

// offered is the id of the revision for a rollback without a name; "" if there is no
// earlier revision, or Envoys run the revision already.
func offered(st delivery.FilterStatus, all []delivery.RevisionStatus) string {
	if st.Wanted.Revision == nil || st.Wanted.Removed {
		return ""
	}
	back, problem := chooseRollback(st, all, "")
	if problem != nil || st.Serving != nil && st.Serving.ID == back.ID {
		return ""
	}
	return back.ID
}

// history is delivery's history, with the revision that the spec describes. After a rollback,
// delivery forgets a revision that no Envoy had.
func (c *Control) history(name string) []delivery.RevisionStatus {
	all := c.machine.History(name)
	e := c.entries.of(name)
	if e == nil || e.done.Revision == nil ||
		slices.ContainsFunc(all, func(s delivery.RevisionStatus) bool { return s.Revision.ID == e.done.Revision.ID }) {
		return all
	}
	return append(all, delivery.RevisionStatus{Revision: e.done.Revision, Wish: delivery.Wish{SpecFile: e.spec.File}})
}

// Rollback serves an earlier revision until the filter's spec changes. It returns once the change
// is on disk, so that no crash undoes a reported rollback.
// See docs/RATIONALE.md#how-long-does-a-rollback-hold.
func (c *Control) Rollback(ctx context.Context, name, revision string) (api.Filter, *api.Error) {
	if problem := c.withoutModule(name, revision); problem != nil {
		return api.Filter{}, problem
	}
	return durably(ctx, c, func(context.Context) (api.Filter, *api.Error) { return c.rollBack(name, revision) })
}

// withoutModule returns an error if the store cannot read the module of a rollback's target: no
// Envoy could load it, and no spec says where to fetch it. The file is read on the caller's
// goroutine.
func (c *Control) withoutModule(name, revision string) *api.Error {
	var target *snapshot.Revision
	c.ask(func() {
		if st, ok := c.machine.Brief(name); ok && st.Wanted != nil {
			target, _ = chooseRollback(st, c.history(name), revision) // the rollback itself reports the error
		}
	})
	if target == nil || target.Code != nil {
		return nil
	}
	if _, err := c.cfg.Store.Read(target.Module.SHA256); err != nil {
		return &api.Error{
			Code:    delivery.CodeModuleUnreadable,
			Message: fmt.Sprintf("the module of revision %s cannot be read from the store: %v", target.ID, err),
			Hint:    "choose another revision: `wasm-xds history " + name + "` lists them",
		}
	}
	return nil
}

func (c *Control) rollBack(name, revision string) (api.Filter, *api.Error) {
	st, ok := c.machine.Brief(name)
	if !ok || st.Wanted == nil {
		return api.Filter{}, noFilter(name)
	}
	if c.set == nil {
		return api.Filter{}, notReadYet()
	}
	if st.Wanted.Removed || st.Wanted.Revision == nil {
		return api.Filter{}, &api.Error{
			Code: "no_spec", Message: fmt.Sprintf("filter %q has no spec whose revision could be replaced", name), Hint: "put its spec back first",
		}
	}
	target, problem := chooseRollback(st, c.history(name), revision)
	if problem != nil {
		return api.Filter{}, problem
	}
	c.plan.Pins = c.plan.Pins.RollBack(name, target, c.plan.Pins.Described(st.Wanted))
	// Publish at once: the next plan may have to wait for files.
	c.publish(c.snapshot.With(withRevision(c.snapshot.All(), name, target)))
	f, _ := c.filter(name)
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

// chooseRollback returns the revision to serve, by its id or a prefix of the id. With "", it
// returns the last stable revision before the wanted one.
func chooseRollback(st delivery.FilterStatus, all []delivery.RevisionStatus, revision string) (*snapshot.Revision, *api.Error) {
	if revision == "" {
		return lastBefore(st, all)
	}
	var found []delivery.RevisionStatus
	for _, s := range all {
		if strings.HasPrefix(s.Revision.ID, strings.ToLower(revision)) {
			found = append(found, s)
		}
	}
	switch {
	case len(found) == 0:
		return nil, &api.Error{
			Code: api.CodeNoRevision, Message: fmt.Sprintf("filter %q has no revision %q", st.Name, revision), Hint: "it has " + listRevisions(all),
		}
	case len(found) > 1:
		return nil, &api.Error{
			Code: "ambiguous_revision", Message: fmt.Sprintf("%d revisions of filter %q begin with %q", len(found), st.Name, revision),
			Hint: "name one of " + listRevisions(found),
		}
	case found[0].Revision.ID == st.Wanted.Revision.ID:
		return nil, &api.Error{
			Code: "nothing_to_roll_back", Message: fmt.Sprintf("revision %s is what filter %q should run already", found[0].Revision.ID, st.Name),
			Hint: "it has " + listRevisions(all),
		}
	case found[0].Standing == delivery.Refused:
		return nil, &api.Error{
			Code: delivery.CodeRejected, Message: fmt.Sprintf("revision %s cannot serve: %s", found[0].Revision.ID, found[0].Problem.Message),
			Hint: "it has " + listRevisions(all),
		}
	}
	return found[0].Revision, nil
}

func lastBefore(st delivery.FilterStatus, all []delivery.RevisionStatus) (*snapshot.Revision, *api.Error) {
	before := st.Older
	if st.Stable != nil {
		before = append([]*snapshot.Revision{st.Stable}, before...)
	}
	for _, r := range before {
		refused := slices.ContainsFunc(all, func(s delivery.RevisionStatus) bool {
			return s.Revision.ID == r.ID && s.Standing == delivery.Refused
		})
		if r.ID != st.Wanted.Revision.ID && !refused {
			return r, nil
		}
	}
	return nil, &api.Error{
		Code: api.CodeNoRevision, Message: fmt.Sprintf("filter %q has no revision before this one", st.Name),
		Hint: "it has " + listRevisions(all) + "; what no Envoy has run is not kept",
	}
}

// listRevisions is "0123456789ab (active), ba9876543210 (earlier)".
func listRevisions(all []delivery.RevisionStatus) string {
	var words []string
	for _, s := range all {
		words = append(words, fmt.Sprintf("%s (%s)", s.Revision.ID, s.Standing))
	}
	return strings.Join(words, ", ")
}
