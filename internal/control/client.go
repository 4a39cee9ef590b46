package control

import (
	"context"
	"fmt"
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/report"
)

// API answers the questions and carries out the commands of the admin API. Any goroutine may
// call the methods. Each of them looks at the state, or changes it, on the goroutine of
// [Control.Run], and returns the zero value after the end of Run.
type API struct{ c *Control }

// NewAPI returns the API of a control.
func NewAPI(c *Control) *API { return &API{c} }

// shared says whether several replicas decide together.
func (a *API) shared() bool { return a.c.cfg.Ledger != nil }

// ask calls look on Run's goroutine.
func (a *API) ask(look func(v *report.View)) {
	a.c.inbox.ask(func(context.Context) { look(a.c.view) })
}

// askEach calls look for each key of list, and lets Run's goroutine work in between: with
// thousands of Envoys a listing takes seconds. look must skip keys that have gone.
func askEach[K any](a *API, list func(v *report.View) []K, look func(v *report.View, key K)) {
	var keys []K
	a.ask(func(v *report.View) { keys = list(v) })
	for few := range slices.Chunk(keys, 16) {
		a.ask(func(v *report.View) {
			for _, key := range few {
				look(v, key)
			}
		})
	}
}

// Replicas are the replicas of the fleet, as this one knows them. Any goroutine may call it.
func (c *Control) Replicas() Replicas { return *c.fleet.Load() }

// mostWaits bounds the list of what waits.
const mostWaits = 20

// Waits are the new revisions that wait until the shared decisions are reached again, a sentence
// each.
func (a *API) Waits() (all []string) {
	a.ask(func(v *report.View) {
		for _, f := range v.Snapshot.All() {
			st, known := v.Machine.Brief(f.Name)
			if f.Revision == nil || known && st.Stable != nil && st.Stable.ID == f.Revision.ID {
				continue
			}
			if len(all) == mostWaits {
				all = append(all, "further filters wait, too")
				return
			}
			all = append(all, fmt.Sprintf("filter %s: the revision %s waits for the replicas to agree", f.Name, f.Revision.ID))
		}
	})
	return all
}
