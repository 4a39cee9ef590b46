package delivery

import (
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/verdict"
	"github.com/wasm-xds/wasm-xds/internal/ledger"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// followed is what a replica knows of the fleet's decisions about a filter. A nil followed
// belongs to a server that decides alone.
type followed struct {
	local     *snapshot.Filter // as the replica's source has it; nil: no spec has the name
	changedAt time.Time        // when the source's revision changed last; zero: never
	record    *ledger.Record   // nil: none
	contents  map[string]*snapshot.Revision
	told      bool // the ledger has told the record since the start
	setBack   bool // the ledger has an older record than this replica: it was restored
	allotted  int64
	retried   *ledger.Retry // the last retry that was carried out
	notes     map[string]ledger.Note
	stored    map[string]ledger.Note // by node: the last news of the ledger about this replica's own notes
	notedAt   map[string]time.Time
	missing   map[canaryKey]time.Time // since when no replica has a named canary
	commands  []ledger.Command        // not carried out yet
	looks     []HealthLooked          // at the health, not taken into account yet
	draft     *draft                  // the proposal under way; nil: none
	own       *draft                  // the proposal that was written, and is not carried out yet
	refused   string                  // the node whose note was not written last
	retryNote time.Time               // when to try such a note again
	isQueued  bool                    // the step looks at the filter before it ends
}

// canaryKey is a named canary.
type canaryKey struct {
	node string
	of   verdict.Key
}

// followedBook has the fleet's decisions by filter name, also of filters without a spec here. It is
// nil on a server that decides alone.
type followedBook map[string]*followed

// of is the entry of a name.
func (b followedBook) of(name string) *followed {
	if b == nil {
		return nil
	}
	w := b[name]
	if w == nil {
		w = &followed{notes: map[string]ledger.Note{}, stored: map[string]ledger.Note{}, notedAt: map[string]time.Time{}, missing: map[canaryKey]time.Time{}}
		b[name] = w
	}
	return w
}

// setLocal notes the wish of the source.
func (w *followed) setLocal(f *snapshot.Filter, now time.Time) {
	if w.local != nil && f != nil && !sameRevision(w.local.Revision, f.Revision) {
		w.changedAt = now
	}
	w.local = f
}

// take takes a record of the ledger, and says whether it has to be carried out. An older record
// than the present one comes from a backup: the present one stays until the record is written anew.
func (w *followed) take(c *ledger.RecordChanged) bool {
	w.told = true
	if w.record != nil && c.Record.Seq < w.record.Seq && !w.setBack {
		mine := *w.record
		mine.Mod = c.Record.Mod
		w.record, w.setBack = &mine, true
		return false
	}
	before := w.record
	w.setBack, w.refused, w.retryNote = false, "", time.Time{}
	record := c.Record
	w.record = &record
	w.contents = make(map[string]*snapshot.Revision, len(c.Revisions))
	for _, r := range c.Revisions {
		w.contents[r.ID] = r
	}
	if before == nil || before.Wanted != record.Wanted || before.Mod == 0 || !slices.Equal(before.Shares, record.Shares) {
		w.allotted = record.Mod
		if before == nil || before.Wanted != record.Wanted {
			clear(w.missing)
		}
	}
	return true
}

// lost notes that the ledger has no record, or deletes it. The decisions themselves stay.
func (w *followed) lost() {
	if w.record == nil {
		return
	}
	mine := *w.record
	mine.Mod = 0
	w.record, w.contents = &mine, nil
}

// drop notes that the record was deleted.
func (w *followed) drop() { w.record, w.contents, w.draft, w.setBack = nil, nil, nil, false }

// saved is the record for the memory; nil: none.
func (w *followed) saved() *ledger.Record {
	if w == nil {
		return nil
	}
	return w.record
}

// restore takes the record of a former process, and what was wanted then.
func (w *followed) restore(r *ledger.Record, wanted *snapshot.Filter) {
	if w == nil {
		return
	}
	w.local = wanted
	if r != nil {
		w.record, w.retried = r, r.Retry
	}
}

// wants is what the source wants, as far as the fleet has decided to roll it out. present is what
// was wanted until now.
func (w *followed) wants(local, present *snapshot.Filter, synced bool, content func(id string) *snapshot.Revision) *snapshot.Filter {
	switch {
	case local == nil:
		return nil
	case w.record != nil:
		described := w.described(local, content)
		if idOf(described.Revision) == w.record.Wanted {
			return described
		}
		stable := content(w.record.Stable)
		kept := *local
		kept.Revision, kept.RolledBack, kept.Preparing = stable, false, stable == nil
		return &kept
	case !synced && present != nil && present.Revision != nil:
		kept := *local
		kept.Revision, kept.RolledBack = present.Revision, present.RolledBack
		return &kept
	default:
		return local
	}
}

// described is what the source wants, or what a rollback puts in its place.
func (w *followed) described(local *snapshot.Filter, content func(id string) *snapshot.Revision) *snapshot.Filter {
	if w.record == nil {
		return local
	}
	return rolledBack(local, w.record.Rollback, content)
}

// rolledBack is a filter of the source, or the revision that a rollback puts in its place.
func rolledBack(local *snapshot.Filter, back *ledger.Rollback, content func(id string) *snapshot.Revision) *snapshot.Filter {
	if !back.Concerns(idOf(local.Revision)) {
		return local
	}
	r := content(back.Revision)
	if r == nil {
		return local
	}
	rolled := *local
	rolled.Revision, rolled.RolledBack = r, r.ID != idOf(local.Revision)
	return &rolled
}

// names says whether the record names a node as the canary of a revision, so a note about it
// would be written.
func (w *followed) names(node, envoy, revision string, now time.Time) bool {
	c := w.record.Canary(revision, envoy)
	return c != nil && c.Node == node && w.told && !w.setBack && w.retryAt(node, now).IsZero()
}

// noted notes that a note is on its way to the ledger.
func (w *followed) noted(n ledger.Note, now time.Time) { w.notes[n.Node], w.notedAt[n.Node] = n, now }

// hasNote says whether the ledger has a note about a node, or is about to.
func (w *followed) hasNote(node string) bool {
	_, is := w.notes[node]
	return is
}

// triedUntil is until when a node other than the given one may still answer for a revision; zero:
// none may.
func (w *followed) triedUntil(key verdict.Key, but string, now time.Time, wait time.Duration) (until time.Time) {
	for node, n := range w.notes {
		if n.Key() != key || node == but || n.Silent {
			continue
		}
		if end := w.notedAt[node].Add(wait); now.Before(end) && end.After(until) {
			until = end
		}
	}
	return until
}

// notNoted notes that a note was not written. It is tried again with the next record, or at a time.
func (w *followed) notNoted(node string, at time.Time) { w.refused, w.retryNote = node, at }

// retryAt is when a note about a node is tried again; zero: now.
func (w *followed) retryAt(node string, now time.Time) time.Time {
	if w.refused != node || !now.Before(w.retryNote) {
		return time.Time{}
	}
	return w.retryNote
}

// hasStored notes that the ledger has another note of this replica about the node than the last
// one.
func (w *followed) hasStored(n ledger.Note) { w.stored[n.Node] = n }

// hasNotStored notes that the ledger has dropped a note.
func (w *followed) hasNotStored(n ledger.Note) {
	if w.stored[n.Node] == n {
		delete(w.stored, n.Node)
	}
}

// settled takes the notes of a node.
func (w *followed) settled(node string) (all []ledger.Note) {
	for _, notes := range []map[string]ledger.Note{w.notes, w.stored} {
		if n, is := notes[node]; is && !slices.Contains(all, n) {
			all = append(all, n)
		}
		delete(notes, node)
	}
	delete(w.notedAt, node)
	return all
}

// isMissing notes that no replica has a named canary, and returns since when; found notes that one
// has.
func (w *followed) isMissing(key canaryKey, now time.Time) time.Time {
	if since, is := w.missing[key]; is {
		return since
	}
	w.missing[key] = now
	return now
}

func (w *followed) found(key canaryKey) { delete(w.missing, key) }

// propose notes the proposal under way; nil: it was answered.
func (w *followed) propose(d *draft) { w.draft = d }

// command adds a command to carry out.
func (w *followed) command(c ledger.Command) { w.commands = append(w.commands, c) }

// ended drops the commands that have ended. Commands without an id come from this replica itself,
// and are tried once.
func (w *followed) ended(ids ...string) {
	w.commands = slices.DeleteFunc(w.commands, func(c ledger.Command) bool { return c.ID == "" || slices.Contains(ids, c.ID) })
}

// look adds a look at the health.
func (w *followed) look(l HealthLooked) { w.looks = append(w.looks, l) }

// takeLooks takes the looks.
func (w *followed) takeLooks() []HealthLooked {
	all := w.looks
	w.looks = nil
	return all
}

// written notes that a proposal of this replica was written.
func (w *followed) written(d *draft) { w.own = d }

// takeWritten takes the proposal that was written; nil: another replica has written the record.
func (w *followed) takeWritten() *draft {
	d := w.own
	w.own = nil
	return d
}

// carriedOut notes the retry that was carried out last, and says whether it is news.
func (w *followed) carriedOut(r *ledger.Retry) (news bool) {
	if r == nil || w.retried != nil && w.retried.Revision == r.Revision && w.retried.At.Equal(r.At) {
		return false
	}
	w.retried = r
	return true
}

// setQueued says whether the step looks at the filter before it ends, and whether that is news.
func (w *followed) setQueued(is bool) (news bool) {
	news = w.isQueued != is
	w.isQueued = is
	return news
}

// newFollowedBook is an empty book; nil: the server decides alone.
func newFollowedBook(p *replica) followedBook {
	if p == nil {
		return nil
	}
	return followedBook{}
}
