package delivery

import (
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/unsettled"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// returnGrace is how long after a start, at most, a removed filter is kept although the time is
// over. Envoys could not ask while the server was down, and come back within half a minute.
const returnGrace = 10 * time.Minute

// removed finds the removed filters that can be forgotten.
type removed struct {
	*step
	cfg     *Config
	filters *filters
	record  *unsettled.Record
	due     []*filter // to look at before the step ends
}

// forgetAt is when a removed filter can be forgotten; false: not as long as nothing changes. An
// Envoy that asks for a filter keeps the filter. A filter that never loaded goes at once, unless an
// Envoy has more of it than the deny.
// See docs/RATIONALE.md#how-long-is-a-removed-filter-kept.
func (e *removed) forgetAt(f *filter) (time.Time, bool) {
	switch {
	case f.wanted == nil || !f.wanted.Removed:
		return time.Time{}, false
	case !everLoaded(f) && !isMissed(f):
		return e.now, true
	case len(f.subs) > 0 || e.cfg.ForgetRemoved <= 0:
		return time.Time{}, false
	}
	at := f.idle.since.Add(e.cfg.ForgetRemoved)
	if back := e.started.Add(min(e.cfg.ForgetRemoved, returnGrace)); at.Before(back) {
		at = back
	}
	return at, true
}

// everLoaded says whether an Envoy runs or ran a revision of the filter, or may do so.
func everLoaded(f *filter) bool {
	revisions := f.all()
	if f.stable != nil || len(revisions) > 0 && f.nodes.Len() > 0 {
		return true
	}
	for _, r := range revisions {
		for _, v := range f.verdicts.On(r.ID) {
			if v.Loads {
				return true
			}
		}
	}
	return false
}

// isMissed says whether an Envoy that asks for the filter has more of it than the deny for names
// without a spec.
func isMissed(f *filter) bool {
	w := f.wanted
	if len(f.subs) > 0 && (w.Disabled || w.OnRemove == spec.Passthrough || w.Policy == spec.Open) {
		return true
	}
	for _, u := range f.subs {
		if u.runsModule() {
			return true
		}
	}
	return false
}

// look notes since when no stream asks for a removed filter, and marks the filter as due when the
// time is over.
func (e *removed) look(f *filter) {
	w := f.wanted
	if f.idle.set(w != nil && w.Removed && len(f.subs) == 0, e.now) {
		e.save()
	}
	at, can := e.forgetAt(f)
	switch {
	case !can:
	case !e.now.Before(at):
		e.due = append(e.due, f)
	case f.idle.setTimer(at):
		e.timers.add(at, due{f: f})
	}
}

// takeDue takes the names of the filters that can be forgotten now.
func (e *removed) takeDue() map[string]struct{} {
	if len(e.due) == 0 {
		return nil
	}
	names := map[string]struct{}{}
	for _, f := range e.due {
		if at, can := e.forgetAt(f); can && !e.now.Before(at) && e.filters.has(f) {
			names[f.name] = struct{}{}
		}
	}
	clear(e.due)
	e.due = e.due[:0]
	return names
}

// dropUnasked drops a name without a spec once no stream asks for it. Names come from the network,
// so nothing about them is kept for longer.
func (e *removed) dropUnasked(f *filter) {
	if f.wanted != nil || len(f.subs) > 0 {
		return
	}
	e.record.Drop(f.name, f.nodes)
	e.filters.drop(f)
}
