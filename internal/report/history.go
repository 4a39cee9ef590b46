package report

import (
	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/command"
)

// History returns every kept revision of a filter; false: no spec ever had the name.
func History(v *View, name string) (api.History, bool) {
	st, ok := v.Machine.Brief(name)
	if !ok || st.Wanted == nil {
		return api.History{Name: name}, false
	}
	all := Revisions(v, name)
	h := api.History{Name: name, Error: Brief(v, st).Error, Rollback: command.Offered(st, all)}
	described := v.Plan.Pins.Described(st.Wanted)
	for _, s := range all {
		h.Revisions = append(h.Revisions, api.Revision{
			Revision: s.Revision.ID, State: api.RevisionState(s.Standing.String()), Wanted: s.Revision.ID == described,
			Since: s.Wish.At, Module: apiModule(v, s.Revision), SpecFile: s.Wish.SpecFile, Error: problem(s.Problem),
			ServedSeconds: int64(s.Served.Seconds()), Changes: s.Changes,
		})
	}
	return h, true
}
