package command

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Forget returns the error for a filter that must not be forgotten; nil: it may. hasSpec: a
// valid spec describes the filter. problem is the filter's problem in the plan. held: the
// filters of a source are held.
func Forget(st delivery.FilterStatus, hasSpec bool, problem *spec.Error, held bool, now time.Time) *api.Error {
	if e := described(st, hasSpec, problem, held); e != nil {
		return e
	}
	if e := stillAskedFor(st); e != nil {
		return e
	}
	if left := st.BackBy.Sub(now); left > 0 {
		return &api.Error{
			Code: api.CodeStillAsked, Message: fmt.Sprintf("Envoys asked for filter %q before the server started, and may come back", st.Name),
			Hint: fmt.Sprintf("try again in %s", left.Round(time.Second)),
		}
	}
	return nil
}

// described returns an error while a spec may still describe the filter; nil: no spec does. A held
// filter has no spec: by the command, the user confirms its removal.
func described(st delivery.FilterStatus, hasSpec bool, problem *spec.Error, held bool) *api.Error {
	w := st.Wanted
	switch {
	case w == nil || w.Removed:
		return nil
	case !hasSpec && held && problem == nil:
		return nil
	case !hasSpec && problem != nil:
		e := api.FromSpec(problem)
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
	ask := "1 Envoy asks"
	if n > 1 {
		ask = fmt.Sprintf("%d Envoys ask", n)
	}
	return &api.Error{
		Code: api.CodeStillAsked, Message: fmt.Sprintf("%s for filter %q: %s", ask, st.Name, strings.Join(askers, ", ")),
		Hint: "take the filter out of their configuration first; a spec with `disabled: true` lets everything pass",
	}
}
