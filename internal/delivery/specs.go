package delivery

import (
	"github.com/wasm-xds/wasm-xds/internal/delivery/unsettled"
	"github.com/wasm-xds/wasm-xds/internal/delivery/verdict"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// pruneSlack is the least growth of verdicts and salts between two prunings.
const pruneSlack = 1000

// specs takes over the wanted revisions, and forgets the filters that have none any more.
type specs struct {
	*step
	filters  *filters
	rollouts *rollouts
	removed  *removed
	record   *unsettled.Record
	verdicts *verdict.Book
	salts    *salts
	unknown  *unknown
	replica  *replica           // nil: the server decides alone
	last     *snapshot.Snapshot // nil: none yet, see snapshot
	forgot   func(name string)  // with replicas
	pruneAt  int                // the size of verdicts and salts at which to prune
}

// onForget has a function called for each filter whose spec is forgotten.
func (e *specs) onForget(forgot func(name string)) { e.forgot = forgot }

// snapshot is the last snapshot. After a start it is made from the memory.
func (e *specs) snapshot() *snapshot.Snapshot {
	if e.last == nil {
		var wanted []*snapshot.Filter
		for _, f := range e.filters.inOrder() {
			if f.wanted != nil {
				wanted = append(wanted, f.wanted)
			}
		}
		e.last = snapshot.New(wanted)
	}
	return e.last
}

// set replaces the snapshot.
func (e *specs) set(s *snapshot.Snapshot) {
	for _, name := range snapshot.Diff(e.snapshot(), s) {
		f := e.filters.ensure(name, e.now)
		if w := s.Get(name); w != nil {
			e.want(f, w)
		} else {
			e.forget(f)
		}
	}
	e.last = s
	e.prune()
}

// want takes over the wish of a spec.
func (e *specs) want(f *filter, w *snapshot.Filter) {
	w = e.decided(f, w)
	another := f.wanted == nil || !sameRevision(f.wanted.Revision, w.Revision)
	if another {
		e.keepCandidate(f)
		f.rollout.Begin(w.Revision)
	}
	if f.wanted == nil && f.nodes.Len() > 0 {
		e.record.Change(f.name, f.nodes)
	}
	e.unknown.countAll(f, -1)
	f.want(w, another, e.now)
	f.rollout.Prune(e.now, func(revision string) bool { return f.find(revision) != nil })
	e.save()
	f.regroup()
	e.rollouts.rollOut(f)
	e.touchFilter(f)
}

// decided is what the source wants, as far as the fleet has decided to roll it out.
func (e *specs) decided(f *filter, w *snapshot.Filter) *snapshot.Filter {
	if f.followed == nil {
		return w
	}
	f.followed.setLocal(w, e.now)
	return f.followed.wants(w, f.wanted, e.replica.synced, f.content)
}

// keepCandidate remembers a candidate if its rollout ends early and some Envoy may run it. The
// machine may have to send the candidate to that Envoy again.
func (e *specs) keepCandidate(f *filter) {
	if f.wanted == nil || f.wanted.Revision == nil || sameRevision(f.wanted.Revision, f.stable) {
		return
	}
	c := f.wanted.Revision
	loads, refused := e.verdicts.Outcomes(c.ID)
	f.keepTried(c, loads, refused, len(f.subs)+f.nodes.Len() > 0)
}

// forget drops everything about a filter without a spec.
func (e *specs) forget(f *filter) {
	for _, r := range f.kept() {
		e.verdicts.Drop(r.ID)
		e.salts.drop(r.ID)
	}
	f.disown()
	if e.forgot != nil {
		e.forgot(f.name)
	}
	e.unknown.countAll(f, 1)
	e.record.Drop(f.name, f.nodes)
	e.save()
	e.change(f)
	e.removed.dropUnasked(f)
	f.regroup()
	e.touchFilter(f)
}

// forgetDue forgets the removed filters that are due, all of them in one snapshot.
func (e *specs) forgetDue() {
	names := e.removed.takeDue()
	if len(names) == 0 {
		return
	}
	kept := make([]*snapshot.Filter, 0, e.snapshot().Len())
	for _, w := range e.snapshot().All() {
		if _, goes := names[w.Name]; goes {
			e.tell(Forgotten{Name: w.Name, SpecFile: w.SpecFile})
		} else {
			kept = append(kept, w)
		}
	}
	e.set(e.snapshot().With(kept))
}

// retry drops the refusals and the losses of a revision. The revision is tried again in other
// bytes.
func (e *specs) retry(f *filter, revision string) {
	e.verdicts.DropRefusals(revision)
	f.rollout.Retry(revision)
	for _, u := range f.subs {
		u.setPassedOver(false)
		u.dropRefusals(func(id string, _ *Problem) bool {
			return id == revision || f.find(id) == nil // a stand-in served in place of the revision
		})
	}
	for _, v := range []Variant{Inline, File} {
		e.salts.renew(Version{Revision: revision, Variant: v})
	}
	if f.wanted != nil && f.wanted.Revision != nil && f.wanted.Revision.ID == revision {
		f.retryFrom(e.now)
	}
	e.save()
	e.rollouts.rollOut(f)
	e.touchFilter(f)
}

// prune drops verdicts and salts of revisions that cannot be served any more. Otherwise a
// long-lived server would grow with every edit.
func (e *specs) prune() {
	if e.verdicts.Len()+e.salts.len() < e.pruneAt {
		return
	}
	known := map[string]struct{}{}
	for _, f := range e.filters.inOrder() {
		for _, r := range f.kept() {
			known[r.ID] = struct{}{}
		}
	}
	served := func(revision string) bool {
		_, is := known[revision]
		return is
	}
	e.verdicts.Prune(served)
	e.salts.prune(served)
	e.pruneAt = 2*(e.verdicts.Len()+e.salts.len()) + pruneSlack
}
