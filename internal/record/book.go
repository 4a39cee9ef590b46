package record

import (
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// DefaultLimit is the default number of revisions of a filter in the record.
const DefaultLimit = 50

// mostBytes bounds the texts of all entries. Beyond, an edit removes the oldest entry of its own
// filter.
const mostBytes = 64 << 20

// Book has the record of all filters. It belongs to one goroutine.
type Book struct {
	limit   int
	filters map[string][]*Entry // the newest first
	bytes   int                 // of all texts
	dirty   map[int]bool        // shards that differ from the disk
}

// New returns an empty book, which keeps up to limit revisions of each filter. With 0, the book
// stays empty.
func New(limit int) *Book {
	return &Book{limit: limit, filters: map[string][]*Entry{}, dirty: map[int]bool{}}
}

// Read adds the content of a file. Entries beyond the limit are dropped.
func (b *Book) Read(text []byte) error {
	filters, err := decodeShard(text)
	for name, entries := range filters {
		if n := len(entries); n > b.limit {
			entries = entries[:b.limit]
			b.dirty[ShardOf(name)] = true
		}
		for i := range entries {
			b.bytes += len(entries[i].Text)
			b.filters[name] = append(b.filters[name], &entries[i])
		}
	}
	return err
}

// Entries returns copies of the entries of a filter, the newest first. The caller must not change
// their lists.
func (b *Book) Entries(filter string) []Entry {
	var all []Entry
	for _, e := range b.filters[filter] {
		all = append(all, *e)
	}
	return all
}

// Has reports whether the book has a revision of a filter.
func (b *Book) Has(filter, revision string) bool { return b.find(filter, revision) != nil }

func (b *Book) find(filter, revision string) *Entry {
	for _, e := range b.filters[filter] {
		if e.Revision == revision {
			return e
		}
	}
	return nil
}

// Want notes that the server wants a revision of a filter. It reports whether that is news: the
// newest entry was of another revision.
func (b *Book) Want(f *snapshot.Filter, now time.Time) bool {
	if b.limit == 0 || f.Revision == nil {
		return false
	}
	entries, id, previous := b.filters[f.Name], f.Revision.ID, ""
	if len(entries) > 0 {
		if previous = entries[0].Revision; previous == id {
			return false
		}
	}
	e := b.find(f.Name, id)
	if e != nil {
		e.again(now)
		entries = slices.DeleteFunc(slices.Clone(entries), func(o *Entry) bool { return o == e })
	} else {
		e = &Entry{Revision: id, At: now, Outcome: api.OutcomeRollingOut, Module: moduleOf(f.Revision)}
	}
	e.Previous, e.SpecFile = previous, f.SpecFile
	b.filters[f.Name] = slices.Insert(slices.Clone(entries), 0, e)
	b.trim(f.Name)
	b.touch(f.Name)
	return true
}

func moduleOf(r *snapshot.Revision) Module {
	return Module{SHA256: r.Module.SHA256, Size: r.Module.Size, Reference: withoutCredentials(r.Module.Reference), Digest: r.Module.Digest}
}

// trim drops the oldest entries of a filter.
func (b *Book) trim(filter string) {
	entries := b.filters[filter]
	for len(entries) > b.limit || b.bytes > mostBytes && len(entries) > 1 {
		last := len(entries) - 1
		b.bytes -= len(entries[last].Text)
		entries = entries[:last]
	}
	b.filters[filter] = entries
}

// Facts are the present facts about a filter's rollout.
type Facts struct {
	Wanted, Stable string // revisions; "": none
	// Ended is the outcome of a rollout that has ended early, and Reason its reason; "": the
	// rollout goes on, or is complete.
	Ended   api.RevisionOutcome
	Reason  string
	Waves   []api.RolloutWave      // nil: the waves are as before
	Figures []api.HealthComparison // nil: the figures are as before
}

// Look takes the present facts, and reports whether they change the record.
func (b *Book) Look(filter string, f Facts, now time.Time) (changed bool) {
	for _, e := range b.filters[filter] {
		wanted := e.Revision == f.Wanted
		outcome := e.Outcome
		switch {
		case wanted && f.Ended != "":
			outcome = f.Ended
		case e.Revision == f.Stable:
			outcome = api.OutcomeLive
		case wanted:
			outcome = api.OutcomeRollingOut
		case outcome.IsOpen() && e.rolledBack():
			outcome = api.OutcomeRolledBack
		case outcome == api.OutcomeRollingOut:
			outcome = api.OutcomeSuperseded
		case outcome == api.OutcomeLive:
			outcome = api.OutcomeReplaced
		}
		if e.set(outcome, f.Reason, now) {
			changed = true
		}
		if wanted && e.progress(f) {
			changed = true
		}
	}
	if changed {
		b.touch(filter)
	}
	return changed
}

// set gives an entry its outcome.
func (e *Entry) set(outcome api.RevisionOutcome, reason string, now time.Time) bool {
	if e.Outcome == outcome {
		return false
	}
	e.Outcome, e.Reason = outcome, ""
	e.endWaves(outcome, now)
	switch {
	case outcome == api.OutcomeLive:
		e.EndedAt = time.Time{}
		if e.LiveAt.IsZero() {
			e.LiveAt = now
		}
	case outcome.IsOpen():
		e.EndedAt = time.Time{}
	default:
		e.EndedAt = now
		if outcome != api.OutcomeReplaced && outcome != api.OutcomeSuperseded && outcome != api.OutcomeRolledBack {
			e.Reason = cut(reason, mostMessage)
		}
	}
	return true
}

// endWaves ends the waves of a rollout that is over: all have passed if the revision is live. Else
// the last that had begun has failed, or has ended if the revision was not the cause.
func (e *Entry) endWaves(outcome api.RevisionOutcome, now time.Time) {
	if outcome == api.OutcomeRollingOut || outcome == api.OutcomeReplaced {
		return
	}
	end := api.WaveFailed
	if outcome == api.OutcomeSuperseded || outcome == api.OutcomeRolledBack || outcome == api.OutcomeAborted {
		end = api.WaveEnded
	}
	waves := slices.Clone(e.Waves)
	for i := range waves {
		wave := &waves[i]
		switch {
		case wave.State == api.WavePassed:
		case outcome == api.OutcomeLive:
			wave.State, wave.Live, wave.PassedAt, wave.SoakUntil = api.WavePassed, wave.Envoys, now, time.Time{}
		case !wave.Since.IsZero():
			wave.State, wave.SoakUntil = end, time.Time{}
		}
	}
	e.Waves = waves
}

// progress takes the waves and the figures. At the end of a rollout that has ended early, the waves
// are those of before: its Envoys are already on their way back.
func (e *Entry) progress(f Facts) (changed bool) {
	if early := f.Ended != "" && len(e.Waves) > 0; !early && f.Waves != nil && !slices.Equal(e.Waves, f.Waves) {
		e.Waves, changed = f.Waves, true
	}
	if f.Figures != nil && !slices.Equal(e.Figures, f.Figures) {
		e.Figures, changed = f.Figures, true
	}
	return changed
}

// Refuse notes the refusal of an Envoy.
func (b *Book) Refuse(filter, revision string, r api.Refusal) {
	if e := b.find(filter, revision); e != nil {
		e.refuse(r)
		b.touch(filter)
	}
}

// Did notes an action of a user on a revision.
func (b *Book) Did(filter, revision string, d api.Action) {
	if e := b.find(filter, revision); e != nil {
		e.did(d)
		b.touch(filter)
	}
}

// Details are the facts about a revision that take time to find out. The zero value of a field
// leaves the entry as it is.
type Details struct {
	Text    string
	Commit  *Commit
	Imports []string
	Cost    *api.ModuleCost
}

// Describe adds details to an entry.
func (b *Book) Describe(filter, revision string, d Details) {
	e := b.find(filter, revision)
	if e == nil {
		return
	}
	if d.Text != "" && d.Text != e.Text {
		b.bytes += len(d.Text) - len(e.Text)
		e.Text = d.Text
		b.trim(filter)
	}
	if d.Commit != nil {
		e.Commit = d.Commit
	}
	if d.Imports != nil {
		e.Module.Imports = d.Imports
	}
	if d.Cost != nil {
		e.Module.Cost = d.Cost
	}
	b.touch(filter)
}

// Forget drops the entries of a filter.
func (b *Book) Forget(filter string) {
	entries, known := b.filters[filter]
	if !known {
		return
	}
	for _, e := range entries {
		b.bytes -= len(e.Text)
	}
	delete(b.filters, filter)
	b.touch(filter)
}

func (b *Book) touch(filter string) { b.dirty[ShardOf(filter)] = true }

// Unsaved reports whether there are changes that no file has.
func (b *Book) Unsaved() bool { return len(b.dirty) > 0 }

// Files returns the files to write, by their numbers, and takes them as written.
func (b *Book) Files() map[int]File {
	files := map[int]File{}
	for n := range b.dirty {
		files[n] = File{}
	}
	for name := range b.filters {
		if of, is := files[ShardOf(name)]; is {
			of[name] = b.Entries(name)
		}
	}
	b.dirty = map[int]bool{}
	return files
}

// Failed notes that a file could not be written.
func (b *Book) Failed(number int) { b.dirty[number] = true }
