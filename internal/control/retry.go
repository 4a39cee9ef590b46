package control

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/desired"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// codeNothingToRetry is the code of the error of a retry when nothing was refused.
const codeNothingToRetry = "nothing_to_retry"

// Retry forgets that Envoys or the sandbox refused a revision, and tries the revision again: in
// the sandbox first, then on a canary, in other bytes. Retry returns once the change is on disk,
// or ctx ends.
func (c *Control) Retry(ctx context.Context, name, revision string) (api.Filter, *api.Error) {
	return durably(ctx, c, func(in context.Context) (api.Filter, *api.Error) {
		if problem := c.retryRefused(in, name, revision); problem != nil {
			return api.Filter{Name: name}, problem
		}
		f, _ := c.filter(name)
		if e := c.entries.of(name); f.Error == nil && e != nil && e.done.Filter == nil {
			f.Error = apiError(checkingError(e.spec)) // from the first moment on
		}
		return f, nil
	})
}

func (c *Control) retryRefused(ctx context.Context, name, revision string) *api.Error {
	st, ok := c.machine.Status(name)
	if !ok || st.Wanted == nil {
		return noFilter(name)
	}
	if c.set == nil {
		return notReadYet()
	}
	e := c.entries.of(name)
	unmade := e != nil && e.done.Filter == nil && c.plan.Problems[name] != nil // the newest content has no revision
	if revision == "" && unmade {
		c.cfg.Logger.Info("a spec that was refused is tried again", zap.String("filter", name))
		c.forgetResultsOf(e)
		c.replan(ctx)
		return nil
	}
	r, problem := c.chooseRetry(st, revision)
	if problem != nil {
		return problem
	}
	foretold := len(r.Refusals) > 0 && e != nil && e.done.Revision != nil && e.done.Revision.ID == r.ID
	if !foretold && !c.machine.IsRefused(name, r.ID) {
		return &api.Error{
			Code: codeNothingToRetry, Message: fmt.Sprintf("revision %s of filter %q was not refused", r.ID, name),
			Hint: fmt.Sprintf("`wasm-xds history %s` shows what was", name),
		}
	}
	c.cfg.Logger.Info("a revision that was refused is tried again", zap.String("filter", name), zap.String("revision", r.ID))
	c.step(delivery.Retried{Name: name, Revision: r.ID})
	if foretold {
		c.forgetResultsOf(e)
		c.replan(ctx)
	}
	return nil
}

// chooseRetry returns the revision to retry, by its id or a prefix of the id. With "", it returns
// the wanted revision if that was refused, else the newest refused revision.
func (c *Control) chooseRetry(st delivery.FilterStatus, revision string) (*snapshot.Revision, *api.Error) {
	all := c.history(st.Name)
	if revision == "" {
		if w := st.Wanted.Revision; w != nil && (c.machine.IsRefused(st.Name, w.ID) || len(w.Refusals) > 0) {
			return w, nil
		}
		for _, s := range all {
			if c.machine.IsRefused(st.Name, s.Revision.ID) {
				return s.Revision, nil
			}
		}
		return nil, &api.Error{
			Code: codeNothingToRetry, Message: fmt.Sprintf("nothing of filter %q was refused", st.Name),
			Hint: fmt.Sprintf("`wasm-xds status %s` shows what it serves", st.Name),
		}
	}
	found := slices.DeleteFunc(slices.Clone(all), func(s delivery.RevisionStatus) bool {
		return !strings.HasPrefix(s.Revision.ID, strings.ToLower(revision))
	})
	switch len(found) {
	case 0:
		hint := "there is none yet that could be named"
		if len(all) > 0 {
			hint = "it has " + listRevisions(all)
		}
		return nil, &api.Error{Code: api.CodeNoRevision, Message: fmt.Sprintf("filter %q has no revision %q", st.Name, revision), Hint: hint}
	case 1:
		return found[0].Revision, nil
	default:
		return nil, &api.Error{
			Code: "ambiguous_revision", Message: fmt.Sprintf("%d revisions of filter %q begin with %q", len(found), st.Name, revision),
			Hint: "name one of " + listRevisions(found),
		}
	}
}

// forgetResultsOf has a spec's module and configuration read again if the last read failed, and
// has the spec checked again.
func (c *Control) forgetResultsOf(e *entry) {
	for _, key := range []string{e.module.key, e.config.key} {
		if r, known := c.results[key]; known && r.err != nil {
			delete(c.results, key)
		}
	}
	if e.verdict != "" {
		c.findings.Drop(e.verdict)
		c.checks.TryNow(time.Now(), e.verdict)
		c.saveFindingsSoon()
	}
	e.told = false
	c.entries.reopen(e)
}

// reopen makes the next plan look into a plain entry.
func (n *entries) reopen(e *entry) {
	e.done = desired.Outcome{}
	if i, ok := n.index(e.spec.Name); ok {
		n.made[i] = nil
	}
	if !slices.Contains(n.open, e) {
		n.open = append(n.open, e)
		slices.SortFunc(n.open, func(a, b *entry) int { return cmp.Compare(a.spec.Name, b.spec.Name) })
	}
}
