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
}

// History is every revision of a filter that may still be served, the one that became
// wanted last first; nil when no spec ever had the name.
func (m *Machine) History(name string) []RevisionStatus {
	f := m.filters[name]
	if f == nil {
		return nil
	}
	now := m.brief(f)
	var all []RevisionStatus
	for _, r := range f.revisions() {
		if slices.ContainsFunc(all, func(s RevisionStatus) bool { return s.Revision.ID == r.ID }) {
			continue
		}
		s := RevisionStatus{Revision: r, Wish: f.wish(r.ID)}
		loads := false
		for _, envoy := range sortedKeys(m.versions) {
			v, judged := m.verdict(r, envoy)
			loads = loads || judged && v.loads
			if judged && !v.loads {
				s.Problem = rejectedProblem(r, envoy, v.message)
			}
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
	return all
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
	kept := []Wish{{Revision: f.wanted.Revision.ID, At: at.UTC(), SpecFile: f.wanted.SpecFile}}
	for _, w := range f.wishes {
		if w.Revision != kept[0].Revision && f.revision(w.Revision) != nil {
			kept = append(kept, w)
		}
	}
	f.wishes = kept
}
