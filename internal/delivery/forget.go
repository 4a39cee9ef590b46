package delivery

import (
	"container/heap"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// returnGrace is how long after a start, at most, a removed filter is kept although the time is
// over. Envoys could not ask while the server was down, and come back within half a minute.
const returnGrace = 10 * time.Minute

// forgetAt is when a removed filter can be forgotten; false: not as long as nothing changes. An
// Envoy that asks for a filter keeps the filter. A filter that never loaded goes at once, unless an
// Envoy has more of it than the deny.
// See docs/RATIONALE.md#how-long-is-a-removed-filter-kept.
func (m *Machine) forgetAt(f *filter) (time.Time, bool) {
	switch {
	case f.wanted == nil || !f.wanted.Removed:
		return time.Time{}, false
	case !m.everLoaded(f) && !f.isMissed():
		return m.now, true
	case len(f.subs) > 0 || m.cfg.ForgetRemoved <= 0:
		return time.Time{}, false
	}
	at := f.idleSince.Add(m.cfg.ForgetRemoved)
	if back := m.started.Add(min(m.cfg.ForgetRemoved, returnGrace)); at.Before(back) {
		at = back
	}
	return at, true
}

// everLoaded says whether an Envoy runs or ran a revision of the filter, or may do so.
func (m *Machine) everLoaded(f *filter) bool {
	revisions := f.revisions()
	if f.stable != nil || len(revisions) > 0 && f.unsettled.Len() > 0 {
		return true
	}
	for _, r := range revisions {
		for _, v := range m.verdicts.On(r.ID) {
			if v.Loads {
				return true
			}
		}
	}
	return false
}

// isMissed says whether an Envoy that asks for the filter has more of it than the deny for names
// without a spec.
func (f *filter) isMissed() bool {
	w := f.wanted
	if len(f.subs) > 0 && (w.Disabled || w.OnRemove == spec.Passthrough || w.Policy == spec.Open) {
		return true
	}
	for _, u := range f.subs {
		if !u.bare() && (u.running == nil || !u.running.BuiltIn) {
			return true
		}
	}
	return false
}

// mayForget notes since when no stream asks for a removed filter, and marks the filter as
// forgettable when the time is over.
func (m *Machine) mayForget(f *filter) {
	if w := f.wanted; w == nil || !w.Removed || len(f.subs) > 0 {
		if !f.idleSince.IsZero() {
			f.idleSince, m.persist = time.Time{}, true
		}
	} else if f.idleSince.IsZero() {
		f.idleSince, m.persist = m.now, true
	}
	at, can := m.forgetAt(f)
	switch {
	case !can:
	case !m.now.Before(at):
		m.forgettable = append(m.forgettable, f)
	case !f.forgetTimer.Equal(at):
		f.forgetTimer = at
		heap.Push(&m.timers, timer{at: at, f: f})
	}
}

// forgetRemoved forgets the removed filters that are due, all of them in one snapshot.
func (m *Machine) forgetRemoved() {
	names := map[string]struct{}{}
	for _, f := range m.forgettable {
		if at, can := m.forgetAt(f); can && !m.now.Before(at) && m.filters[f.name] == f {
			names[f.name] = struct{}{}
		}
	}
	clear(m.forgettable)
	m.forgettable = m.forgettable[:0]
	if len(names) == 0 {
		return
	}
	kept := make([]*snapshot.Filter, 0, m.Snapshot().Len())
	for _, w := range m.Snapshot().All() {
		if _, goes := names[w.Name]; goes {
			m.actions = append(m.actions, Forgotten{Name: w.Name, SpecFile: w.SpecFile})
		} else {
			kept = append(kept, w)
		}
	}
	m.setSnapshot(m.Snapshot().With(kept))
}

// forgetFilter drops everything about a filter without a spec.
func (m *Machine) forgetFilter(f *filter) {
	for _, r := range append(f.revisions(), f.refused...) {
		m.verdicts.Drop(r.ID)
		for _, variant := range []Variant{Remote, Inline, File} {
			delete(m.salts, saltKey{r.ID, variant}) // the next salt will be new
		}
	}
	f.wanted, f.stable, f.older, f.wishes, f.gone = nil, nil, nil, nil, nil
	f.refused, f.idleSince, f.stableSince = nil, time.Time{}, time.Time{}
	m.countAllUnknown(f, 1)
	f.suspects, f.promoted = suspects{}, ""
	m.record.Drop(f.name, f.unsettled)
	for _, u := range f.subs {
		if u.running != nil && !u.running.BuiltIn {
			u.running = nil // an unknown revision from now on
		}
	}
	m.persist = true
	m.change(f)
	m.dropUnasked(f)
}

// dropUnasked drops a name without a spec once no stream asks for it. Names come from the network,
// so nothing about them is kept for longer.
func (m *Machine) dropUnasked(f *filter) {
	if f.wanted != nil || len(f.subs) > 0 {
		return
	}
	m.record.Drop(f.name, f.unsettled)
	delete(m.filters, f.name)
	m.ordered.changed = true
}
