package delivery

import (
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// Wish is the time when a revision became wanted, and the facts kept with it. Immutable.
// See docs/RATIONALE.md#which-time-does-a-history-show.
type Wish struct {
	Revision string    `json:"revision"`
	At       time.Time `json:"at"` // the last time, if there were several
	SpecFile string    `json:"specFile,omitempty"`
	// Served is how long the revision was stable, up to its last replacement.
	Served time.Duration `json:"served,omitempty"`
}

// Standing is the standing of a revision among the revisions of a filter.
type Standing uint8

// The standings of a revision.
const (
	Earlier   Standing = iota // was wanted before
	Active                    // Envoys get the revision
	Candidate                 // on the way to all Envoys
	Stable                    // stable, but does not serve now
	Refused                   // Envoys refused the revision and none loads it, or its rollout has stopped
)

// String is the standing as the API has it.
func (s Standing) String() string {
	return [...]string{"earlier", "active", "candidate", "stable", "rejected"}[s]
}

// RevisionStatus is one revision in a filter's history.
type RevisionStatus struct {
	Revision *snapshot.Revision
	Standing Standing
	Wish     Wish     // At is zero if the time was not remembered yet
	Problem  *Problem // the refusal, or the reason of the stop; nil: neither
	// Served is how long the revision has been stable in all, until now.
	Served time.Duration
	// Changes are the keys in which the revision differs from the revision wanted before, see
	// [snapshot.Changes]. nil: the revision before is not known.
	Changes []string
}

// History has every revision of a filter that may still be served, and the last few that Envoys
// refused, the revision that became wanted last first. nil: no spec has the name.
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
		for _, envoy := range m.verdicts.Versions() {
			v, judged := m.verdicts.Of(r, envoy)
			loads = loads || judged && v.Loads
			if judged && !v.Loads {
				s.Problem = rejectedProblem(r, envoy, v.Message)
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

// servedSince is how long the stable revision has been stable without a break.
func (m *Machine) servedSince(f *filter) time.Duration {
	if f.stable == nil || f.stableSince.IsZero() {
		return 0
	}
	return max(m.now.Sub(f.stableSince), 0) // the clock may have been set back
}

// noteServed adds to the stable revision's time before a replacement. It makes a new list of
// wishes, because a [Memory] may have the old list.
func (m *Machine) noteServed(f *filter) {
	if f.stable == nil {
		return
	}
	served := f.wish(f.stable.ID)
	served.Served += m.servedSince(f)
	wishes := slices.DeleteFunc(slices.Clone(f.wishes), func(w Wish) bool { return w.Revision == served.Revision })
	f.wishes = append(wishes, served)
}

// remember puts a revision first among the older revisions. If there are too many, the revision
// that served for the shortest time goes. The newest few stay in any case.
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

// rememberRefused keeps a revision Envoys refused for the history. It is never served.
func (f *filter) rememberRefused(r *snapshot.Revision) {
	f.dropRefused(r)
	refused := slices.Insert(slices.Clone(f.refused), 0, r)
	f.refused = refused[:min(len(refused), refusedLength)]
}

// dropRefused removes a revision from the refused ones: it is tried again, or was found to load.
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

// noteWish remembers when the wanted revision became wanted, and forgets revisions that cannot be
// served any more. It makes a new list, because a [Memory] may have the old list.
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
