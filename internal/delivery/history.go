package delivery

import (
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// Wish is what is remembered of the time when a revision became wanted. It is immutable.
type Wish struct {
	Revision string    `json:"revision"`
	At       time.Time `json:"at"` // the last time, if there were several
	SpecFile string    `json:"specFile,omitempty"`
	// Served is for how long it was the one that all Envoys get, until it was replaced.
	Served time.Duration `json:"served,omitempty"`
}

// Standing is where a revision of a filter stands.
type Standing uint8

// The standings of a revision.
const (
	Earlier   Standing = iota // it was wanted before
	Active                    // Envoys get it
	Candidate                 // it is on its way to all Envoys
	Stable                    // all Envoys got it last, and it is not what serves now
	Refused                   // Envoys refused it, and none is known to load it
)

// String is the standing as the API has it.
func (s Standing) String() string {
	return [...]string{"earlier", "active", "candidate", "stable", "rejected"}[s]
}

// RevisionStatus is one revision in a filter's history.
type RevisionStatus struct {
	Revision *snapshot.Revision
	Standing Standing
	Wish     Wish     // At is zero where it was wanted before that was remembered
	Problem  *Problem // of an Envoy that refused it; nil: none has
	// Served is for how long it has been the one that all Envoys get, until now.
	Served time.Duration
	// Changes are the keys in which it differs from the one that was wanted before it; see
	// [snapshot.Changes]. nil: that one is not known.
	Changes []string
}

// History is every revision of a filter that may still be served, and the last few that Envoys refused, the
// one that became wanted last first; nil when no spec has the name.
func (m *Machine) History(name string) []RevisionStatus {
	f := m.filters[name]
	if f == nil {
		return nil
	}
	now := m.brief(f)
	var all []RevisionStatus
	for _, r := range append(f.revisions(), f.refused...) {
		if slices.ContainsFunc(all, func(s RevisionStatus) bool { return s.Revision.ID == r.ID }) {
			continue
		}
		s := RevisionStatus{Revision: r, Wish: f.wish(r.ID), Served: f.wish(r.ID).Served}
		if sameRevision(r, f.stable) {
			s.Served += m.servedSince(f)
		}
		loads := false
		for _, envoy := range sortedKeys(m.versions) {
			v, judged := m.verdict(r, envoy)
			loads = loads || judged && v.loads
			if judged && !v.loads {
				s.Problem = rejectedProblem(r, envoy, v.message)
			}
		}
		if s.Problem == nil && slices.Contains(f.refused, r) {
			s.Problem = &Problem{Code: CodeRejected, Revision: r.ID, Message: "an Envoy refused it", Hint: "edit the spec, or serve another revision"}
		}
		stopped := sameRevision(r, f.candidate()) && now.Problem != nil
		if s.Problem == nil && stopped {
			s.Problem = now.Problem
		}
		switch {
		case sameRevision(r, now.Serving):
			s.Standing = Active
		case sameRevision(r, now.Candidate):
			s.Standing = Candidate
		case s.Problem != nil && !loads, stopped:
			s.Standing = Refused
		case sameRevision(r, now.Stable):
			s.Standing = Stable
		}
		all = append(all, s)
	}
	slices.SortStableFunc(all, func(a, b RevisionStatus) int { return b.Wish.At.Compare(a.Wish.At) })
	for i := range all[:max(len(all)-1, 0)] {
		all[i].Changes = snapshot.Changes(all[i+1].Revision, all[i].Revision)
	}
	return all
}

// servedSince is for how long the stable revision has been the one that all Envoys get.
func (m *Machine) servedSince(f *filter) time.Duration {
	if f.stable == nil || f.stableSince.IsZero() {
		return 0
	}
	return max(m.now.Sub(f.stableSince), 0) // the clock may have been set back
}

// noteServed adds to the stable revision's time, before another takes its place. It makes a new list of wishes:
// the memory may have the old one.
func (m *Machine) noteServed(f *filter) {
	if f.stable == nil {
		return
	}
	served := f.wish(f.stable.ID)
	served.Served += m.servedSince(f)
	wishes := slices.DeleteFunc(slices.Clone(f.wishes), func(w Wish) bool { return w.Revision == served.Revision })
	f.wishes = append(wishes, served)
}

// remember puts a revision first among the older ones. Where there are more than are kept, those go that
// served for the shortest time, but for the newest few.
func (f *filter) remember(r *snapshot.Revision) {
	f.dropRefused(r)
	older := slices.DeleteFunc(slices.Clone(f.older), func(o *snapshot.Revision) bool { return o.ID == r.ID })
	older = slices.Insert(older, 0, r)
	for len(older) > historyLength {
		least := len(older) - 1
		for i := least - 1; i >= newestKept; i-- {
			if f.wish(older[i].ID).Served < f.wish(older[least].ID).Served {
				least = i
			}
		}
		older = slices.Delete(older, least, least+1)
	}
	f.older = older
}

// rememberRefused keeps a revision that Envoys refused for the history. It is never served.
func (f *filter) rememberRefused(r *snapshot.Revision) {
	f.dropRefused(r)
	refused := slices.Insert(slices.Clone(f.refused), 0, r)
	f.refused = refused[:min(len(refused), refusedLength)]
}

// dropRefused takes back a revision that is tried again, or was found to load.
func (f *filter) dropRefused(r *snapshot.Revision) {
	if slices.ContainsFunc(f.refused, func(o *snapshot.Revision) bool { return o.ID == r.ID }) {
		f.refused = slices.DeleteFunc(slices.Clone(f.refused), func(o *snapshot.Revision) bool { return o.ID == r.ID })
	}
}

// isKept says whether a revision is in the history.
func (f *filter) isKept(id string) bool {
	return f.revision(id) != nil || slices.ContainsFunc(f.refused, func(r *snapshot.Revision) bool { return r.ID == id })
}

func (f *filter) wish(id string) Wish {
	for _, w := range f.wishes {
		if w.Revision == id {
			return w
		}
	}
	return Wish{Revision: id}
}

// noteWish remembers when the wanted revision became so, and forgets that of revisions
// which cannot be served any more. It makes a new list: the memory may have the old one.
func (f *filter) noteWish(at time.Time) {
	if f.wanted == nil || f.wanted.Revision == nil {
		return
	}
	kept := []Wish{{Revision: f.wanted.Revision.ID, At: at.UTC(), SpecFile: f.wanted.SpecFile, Served: f.wish(f.wanted.Revision.ID).Served}}
	for _, w := range f.wishes {
		if w.Revision != kept[0].Revision && f.isKept(w.Revision) {
			kept = append(kept, w)
		}
	}
	f.wishes = kept
}
