package delivery

import (
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/ledger"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// historyLength is how many revisions a filter remembers beside the stable revision.
const historyLength = 10

// newestKept is how many of them are kept however short they served, and refusedLength is how many
// refused revisions are remembered beside them.
const (
	newestKept    = historyLength / 2
	refusedLength = 5
)

// revisions are the revisions of a filter. A [Memory] shares the lists, so they are replaced and
// never changed.
type revisions struct {
	wanted *snapshot.Filter // nil: no spec has this name
	stable *snapshot.Revision
	since  time.Time // when the wanted revision became wanted
	// stableSince is when the stable revision became everyone's; zero: not known.
	stableSince time.Time
	older       []*snapshot.Revision // newest first
	refused     []*snapshot.Revision // revisions Envoys refused, the newest first; for the history alone
	wishes      []Wish               // when the revisions became wanted, as far as known
}

// all are all revisions that may still be served.
func (v *revisions) all() []*snapshot.Revision {
	var all []*snapshot.Revision
	if v.wanted != nil && v.wanted.Revision != nil {
		all = append(all, v.wanted.Revision)
	}
	if v.stable != nil {
		all = append(all, v.stable)
	}
	return append(all, v.older...)
}

// kept are all revisions of the history: those that may be served, and the refused ones.
func (v *revisions) kept() []*snapshot.Revision { return append(v.all(), v.refused...) }

// secret are the revisions whose configurations a NACK of r may quote.
func (v *revisions) secret(r *snapshot.Revision) []*snapshot.Revision { return append(v.kept(), r) }

// find is the revision with the ID; nil: the revision may not be served.
func (v *revisions) find(id string) *snapshot.Revision {
	switch {
	case v.wanted != nil && v.wanted.Revision != nil && v.wanted.Revision.ID == id:
		return v.wanted.Revision
	case v.stable != nil && v.stable.ID == id:
		return v.stable
	}
	for _, r := range v.older {
		if r.ID == id {
			return r
		}
	}
	return nil
}

// candidate is the wanted revision while it rolls out; nil: there is none.
func (v *revisions) candidate() *snapshot.Revision {
	w := v.wanted
	if w == nil || w.Revision == nil || w.Disabled || sameRevision(w.Revision, v.stable) ||
		w.Removed && w.OnRemove != spec.Keep {
		return nil
	}
	return w.Revision
}

// isCandidate says whether r is the candidate.
func (v *revisions) isCandidate(r *snapshot.Revision) bool {
	c := v.candidate()
	return c != nil && c.ID == r.ID
}

// wasStable says whether r was stable before. An older revision may also be one whose rollout ended
// early.
func (v *revisions) wasStable(r *snapshot.Revision) bool {
	return contains(v.older, r.ID) && !v.wish(r.ID).Tried
}

// want takes another wish of the spec. another says the revision is another than before.
func (v *revisions) want(w *snapshot.Filter, another bool, now time.Time) {
	if another {
		v.since = now
	}
	v.wanted = w
	if another {
		if w.Revision != nil {
			v.dropRefused(w.Revision)
		}
		v.noteWish(now)
	}
	if w.Revision != nil && sameRevision(w.Revision, v.stable) {
		v.stable = w.Revision // its foretold refusals may be new
	}
}

// retryFrom has the present wish count from now on.
func (v *revisions) retryFrom(now time.Time) { v.since = now }

// promote makes r the stable revision.
func (v *revisions) promote(r *snapshot.Revision, now time.Time) {
	if v.stable != nil {
		v.noteServed(now)
		v.remember(v.stable)
	}
	v.stableSince = now.UTC()
	v.setTried(r, false)
	v.dropRefused(r)
	v.older = slices.DeleteFunc(v.older, func(o *snapshot.Revision) bool { return o.ID == r.ID })
	v.stable = r
}

// takeBack makes the former revision stable again, in place of a revision that has failed.
func (v *revisions) takeBack(former *snapshot.Revision, now time.Time) {
	bad := v.stable
	v.noteServed(now)
	v.setTried(bad, true)
	v.rememberRefused(bad)
	v.stableSince = now.UTC()
	v.older = slices.DeleteFunc(slices.Clone(v.older), func(o *snapshot.Revision) bool { return o.ID == former.ID })
	v.stable = former
}

// setTried notes whether a revision was tried and never stable. The list of wishes is replaced.
func (v *revisions) setTried(r *snapshot.Revision, tried bool) {
	if i := slices.IndexFunc(v.wishes, func(w Wish) bool { return w.Revision == r.ID }); i >= 0 && v.wishes[i].Tried != tried {
		v.wishes = slices.Clone(v.wishes)
		v.wishes[i].Tried = tried
	}
}

// clone is a copy to change.
func (v *revisions) clone() revisions {
	copied := *v
	copied.older = slices.Clone(v.older)
	return copied
}

// follow takes over what the fleet has decided. A revision that runs here stays, even if the fleet
// does not know it any more.
func (v *revisions) follow(r *ledger.Record, content func(id string) *snapshot.Revision, runs func(*snapshot.Revision) bool) {
	older := contentsOf(r.Older, content)
	for _, o := range append(slices.Clone(v.older), v.stable) {
		if o != nil && o.ID != r.Stable && !contains(older, o.ID) && len(older) < historyLength && runs(o) {
			older = append(older, o)
		}
	}
	if s := content(r.Stable); s != nil && !sameRevision(s, v.stable) {
		v.stable = s
	}
	v.older, v.refused = older, contentsOf(r.Refused, content)
	v.wishes, v.stableSince = r.Wishes, r.StableSince
}

// contentsOf are the revisions with those ids, as far as their contents are known.
func contentsOf(ids []string, content func(id string) *snapshot.Revision) (all []*snapshot.Revision) {
	for _, id := range ids {
		if r := content(id); r != nil {
			all = append(all, r)
		}
	}
	return all
}

// clear drops everything: no spec has the name any more.
func (v *revisions) clear() { *v = revisions{since: v.since} }

// restore goes on where a former process left off.
func (v *revisions) restore(m FilterMemory) {
	v.wanted, v.stable, v.older, v.wishes = m.Wanted, m.Stable, m.Older, m.Wishes
	v.refused, v.stableSince = m.Refused, m.StableSince
	if v.stable != nil && v.stableSince.IsZero() {
		v.stableSince = v.wish(v.stable.ID).At // the best time known
	}
}

// servedSince is how long the stable revision has been stable without a break.
func (v *revisions) servedSince(now time.Time) time.Duration {
	if v.stable == nil || v.stableSince.IsZero() {
		return 0
	}
	return max(now.Sub(v.stableSince), 0) // the clock may have been set back
}

// noteServed adds to the stable revision's time before a replacement.
func (v *revisions) noteServed(now time.Time) {
	served := v.wish(v.stable.ID)
	served.Served += v.servedSince(now)
	wishes := slices.DeleteFunc(slices.Clone(v.wishes), func(w Wish) bool { return w.Revision == served.Revision })
	v.wishes = append(wishes, served)
}

// remember puts a revision first among the older revisions. If there are too many, the revision
// that served for the shortest time goes. The newest few stay in any case.
func (v *revisions) remember(r *snapshot.Revision) {
	v.dropRefused(r)
	older := slices.DeleteFunc(slices.Clone(v.older), func(o *snapshot.Revision) bool { return o.ID == r.ID })
	older = slices.Insert(older, 0, r)
	for len(older) > historyLength {
		least := len(older) - 1
		for i := least - 1; i >= newestKept; i-- {
			if v.wish(older[i].ID).Served < v.wish(older[least].ID).Served {
				least = i
			}
		}
		older = slices.Delete(older, least, least+1)
	}
	v.older = older
}

// keepTried keeps a candidate after an early end of its rollout. onItsWay says an Envoy may run it
// without an answer yet.
func (v *revisions) keepTried(c *snapshot.Revision, loads, refused, onItsWay bool) {
	switch {
	case loads || onItsWay && !refused:
		v.remember(c)
	case refused:
		v.rememberRefused(c)
	}
}

// rememberRefused keeps a revision Envoys refused for the history. It is never served.
func (v *revisions) rememberRefused(r *snapshot.Revision) {
	v.dropRefused(r)
	refused := slices.Insert(slices.Clone(v.refused), 0, r)
	v.refused = refused[:min(len(refused), refusedLength)]
}

// dropRefused removes a revision from the refused ones: it is tried again, or was found to load.
func (v *revisions) dropRefused(r *snapshot.Revision) {
	if contains(v.refused, r.ID) {
		v.refused = slices.DeleteFunc(slices.Clone(v.refused), func(o *snapshot.Revision) bool { return o.ID == r.ID })
	}
}

// isKept says whether a revision is in the history.
func (v *revisions) isKept(id string) bool { return v.find(id) != nil || contains(v.refused, id) }

// wish is the wish for a revision; its time is zero if it is not known.
func (v *revisions) wish(id string) Wish {
	for _, w := range v.wishes {
		if w.Revision == id {
			return w
		}
	}
	return Wish{Revision: id}
}

// noteWish remembers when the wanted revision became wanted, and drops the wishes for revisions
// that are not in the history any more.
func (v *revisions) noteWish(at time.Time) {
	if v.wanted.Revision == nil {
		return
	}
	r := v.wanted.Revision
	before := v.wish(r.ID)
	tried := before.Tried || before.At.IsZero() && !sameRevision(r, v.stable) && !contains(v.older, r.ID)
	kept := []Wish{{Revision: r.ID, At: at.UTC(), SpecFile: v.wanted.SpecFile, Served: before.Served, Tried: tried}}
	for _, w := range v.wishes {
		if w.Revision != kept[0].Revision && v.isKept(w.Revision) {
			kept = append(kept, w)
		}
	}
	v.wishes = kept
}

func contains(all []*snapshot.Revision, id string) bool {
	return slices.ContainsFunc(all, func(r *snapshot.Revision) bool { return r.ID == id })
}

func sameRevision(a, b *snapshot.Revision) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.ID == b.ID
}

// idOf is the ID of a revision; "": none.
func idOf(r *snapshot.Revision) string {
	if r == nil {
		return ""
	}
	return r.ID
}

func idsOf(all []*snapshot.Revision) (ids []string) {
	for _, r := range all {
		ids = append(ids, r.ID)
	}
	return ids
}
