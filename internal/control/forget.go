package control

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// Forget drops a filter without a spec, with its revisions, verdicts and history. Forget
// returns once the change is on disk, or ctx ends.
func (c *Control) Forget(ctx context.Context, name string) (api.Forgotten, *api.Error) {
	return durably(ctx, c, func(context.Context) (api.Forgotten, *api.Error) { return c.forget(name) })
}

func (c *Control) forget(name string) (api.Forgotten, *api.Error) {
	st, ok := c.machine.Status(name)
	if !ok {
		return api.Forgotten{}, noFilter(name)
	}
	if c.set == nil {
		return api.Forgotten{}, notReadYet()
	}
	if problem := c.hasSpec(st); problem != nil {
		return api.Forgotten{}, problem
	}
	if problem := stillAskedFor(st); problem != nil {
		return api.Forgotten{}, problem
	}
	if left := time.Until(st.BackBy); left > 0 {
		return api.Forgotten{}, &api.Error{
			Code: api.CodeStillAsked, Message: fmt.Sprintf("Envoys asked for filter %q before the server started, and may come back", name),
			Hint: fmt.Sprintf("try again in %s", left.Round(time.Second)),
		}
	}
	done := api.Forgotten{Name: name, Revisions: len(c.machine.History(name)), IdleSince: st.IdleSince}
	c.cfg.Logger.Info("a removed filter is forgotten: a command says so", zap.String("filter", name), zap.Int("revisions", done.Revisions))
	c.cfg.Metrics.FilterForgotten(name)
	rest := slices.DeleteFunc(slices.Clone(c.snapshot.All()), func(f *snapshot.Filter) bool { return f.Name == name })
	c.publish(c.snapshot.With(rest))
	return done, nil
}

func notReadYet() *api.Error {
	return &api.Error{
		Code: "specs_not_read", Message: "the server has just started and has not read the specs yet", Hint: "try again in a moment",
	}
}

// hasSpec returns an error while a spec may still describe the filter; nil: no spec does. A held
// filter has no spec: by the command, the user confirms its removal.
func (c *Control) hasSpec(st delivery.FilterStatus) *api.Error {
	w := st.Wanted
	if w == nil || w.Removed {
		return nil
	}
	problem, read, held := c.plan.Problems[st.Name], c.entries.of(st.Name) != nil, c.plan.Held != nil
	switch {
	case !read && held && problem == nil:
		return nil
	case !read && problem != nil:
		e := apiError(problem)
		e.Code, e.Message = api.CodeHasSpec, fmt.Sprintf("filter %q may have a spec still: %s", st.Name, e.Message)
		e.Hint = "correct the file, or delete it, and forget the filter then"
		return e
	}
	return &api.Error{
		Code: api.CodeHasSpec, Message: fmt.Sprintf("filter %q has a spec", st.Name), File: w.SpecFile,
		Hint: "delete the spec, and forget the filter then",
	}
}

// askersShown is how many Envoys an error names.
const askersShown = 5

// stillAskedFor returns an error with the Envoys that ask for a filter; nil: none does.
func stillAskedFor(st delivery.FilterStatus) *api.Error {
	var askers []string
	for _, s := range st.Subscribers {
		if s.State != delivery.Gone {
			if one := fmt.Sprintf("%s (%s)", s.Node.ID, s.Node.Address); !slices.Contains(askers, one) {
				askers = append(askers, one)
			}
		}
	}
	n := len(askers)
	if n == 0 {
		return nil
	}
	if n > askersShown {
		askers = append(askers[:askersShown], fmt.Sprintf("%d more", n-askersShown))
	}
	who := "1 Envoy asks"
	if n > 1 {
		who = fmt.Sprintf("%d Envoys ask", n)
	}
	return &api.Error{
		Code: api.CodeStillAsked, Message: fmt.Sprintf("%s for filter %q: %s", who, st.Name, strings.Join(askers, ", ")),
		Hint: "take the filter out of their configuration first; a spec with `disabled: true` lets everything pass",
	}
}
