package command

import (
	"fmt"
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// RollBack returns the revision to which a rollback of a filter leads, by its id or a prefix of
// the id. With "", it is the last stable revision before the wanted one. all are the filter's
// revisions. With pin, it may also be the wanted revision, which then stays.
func RollBack(st delivery.FilterStatus, all []delivery.RevisionStatus, revision string, pin bool) (*snapshot.Revision, *api.Error) {
	if revision == "" {
		return lastBefore(st, all)
	}
	found, problem := find(st.Name, all, revision)
	switch {
	case problem != nil:
		return nil, problem
	case found.Revision.ID == st.Wanted.Revision.ID && !pin:
		return nil, &api.Error{
			Code: "nothing_to_roll_back", Message: fmt.Sprintf("revision %s is what filter %q should run already", found.Revision.ID, st.Name),
			Hint: has(all),
		}
	case found.Standing == delivery.Refused:
		return nil, &api.Error{
			Code: delivery.CodeRejected, Message: fmt.Sprintf("revision %s cannot serve: %s", found.Revision.ID, found.Problem.Message),
			Hint: has(all),
		}
	}
	return found.Revision, nil
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
		Hint: has(all) + "; what no Envoy has run is not kept",
	}
}

// MayRollBack returns the error for a filter that cannot be rolled back at all; nil: it can.
func MayRollBack(st delivery.FilterStatus) *api.Error {
	if st.Wanted.Removed || st.Wanted.Revision == nil {
		return &api.Error{
			Code: "no_spec", Message: fmt.Sprintf("filter %q has no spec whose revision could be replaced", st.Name), Hint: "put its spec back first",
		}
	}
	return nil
}

// Offered is the id of the revision for a rollback without a name; "" if there is no
// earlier revision, or Envoys run the revision already.
func Offered(st delivery.FilterStatus, all []delivery.RevisionStatus) string {
	if MayRollBack(st) != nil {
		return ""
	}
	back, problem := RollBack(st, all, "", false)
	if problem != nil || st.Serving != nil && st.Serving.ID == back.ID {
		return ""
	}
	return back.ID
}

// ModuleUnreadable is the error for a rollback to a revision with a module that the store cannot
// read.
func ModuleUnreadable(name string, r *snapshot.Revision, err error) *api.Error {
	return &api.Error{
		Code:    delivery.CodeModuleUnreadable,
		Message: fmt.Sprintf("the module of revision %s cannot be read from the store: %v", r.ID, err),
		Hint:    "choose another revision: `wasm-xds history " + name + "` lists them",
	}
}
