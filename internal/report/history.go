package report

import (
	"cmp"
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/command"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/record"
)

// History returns every kept revision of a filter, with the facts of the record; false: no spec
// ever had the name.
func History(v *View, name string) (api.History, bool) {
	st, ok := v.Machine.Brief(name)
	if !ok || st.Wanted == nil {
		return api.History{Name: name}, false
	}
	all := Revisions(v, name)
	h := api.History{Name: name, Error: Brief(v, st).Error, Rollback: command.Offered(st, all)}
	entries := entriesOf(v, name)
	described := v.Plan.Pins.Described(st.Wanted)
	for _, s := range all {
		one := api.Revision{
			Revision: s.Revision.ID, State: api.RevisionState(s.Standing.String()), Wanted: s.Revision.ID == described,
			Since: s.Wish.At, Module: apiModule(v, s.Revision), SpecFile: s.Wish.SpecFile, Error: problem(s.Problem),
			ServedSeconds: int64(s.Served.Seconds()), Changes: s.Changes,
		}
		addRecord(&one, entries)
		h.Revisions = append(h.Revisions, one)
	}
	h.Revisions = append(h.Revisions, onlyRecorded(entries, all)...)
	slices.SortStableFunc(h.Revisions, func(a, b api.Revision) int { return b.Since.Compare(a.Since) })
	addChanges(h.Revisions, entries)
	return h, true
}

// mostChanges bounds the keys of a revision's changes, as [snapshot.Changes] does.
const mostChanges = 20

// addChanges sets the changes of each revision from the record, if the record has both texts.
func addChanges(all []api.Revision, entries []record.Entry) {
	for i := range all[:max(len(all)-1, 0)] {
		now, before := entryOf(entries, all[i].Revision), entryOf(entries, all[i+1].Revision)
		if now == nil || before == nil || now.Text == "" || before.Text == "" {
			continue
		}
		all[i].Changes = record.Keys(before.Text, now.Text)
		if len(all[i].Changes) > mostChanges {
			all[i].Changes = append(all[i].Changes[:mostChanges], "…")
		}
	}
}

// entriesOf returns the record of a filter; nil: there is none yet.
func entriesOf(v *View, name string) []record.Entry {
	if v.Record == nil {
		return nil
	}
	return v.Record.Entries(name)
}

func entryOf(entries []record.Entry, revision string) *record.Entry {
	i := slices.IndexFunc(entries, func(e record.Entry) bool { return e.Revision == revision })
	if i < 0 {
		return nil
	}
	return &entries[i]
}

// onlyRecorded returns the revisions that delivery has forgotten.
func onlyRecorded(entries []record.Entry, kept []delivery.RevisionStatus) []api.Revision {
	var all []api.Revision
	for _, e := range entries {
		if slices.ContainsFunc(kept, func(s delivery.RevisionStatus) bool { return s.Revision.ID == e.Revision }) {
			continue
		}
		one := api.Revision{
			Revision: e.Revision, State: api.RevisionRecorded, Since: e.At, SpecFile: e.SpecFile,
			Module: api.Module{SHA256: e.Module.SHA256, Size: e.Module.Size, Reference: e.Module.Reference, Digest: e.Module.Digest},
		}
		if !e.LiveAt.IsZero() && e.EndedAt.After(e.LiveAt) {
			one.ServedSeconds = int64(e.EndedAt.Sub(e.LiveAt).Seconds())
		}
		addRecord(&one, entries)
		all = append(all, one)
	}
	return all
}

// addRecord adds the facts of the record to a revision.
func addRecord(r *api.Revision, entries []record.Entry) {
	e := entryOf(entries, r.Revision)
	if e == nil {
		return
	}
	r.File = e.SpecFile
	if c := e.Commit; c != nil {
		r.File, r.Commit = c.File, &api.Commit{ID: c.ID, Dirty: c.Dirty}
	}
	r.Previous, r.Outcome, r.Reason, r.LiveAt, r.EndedAt = e.Previous, e.Outcome, e.Reason, e.LiveAt, e.EndedAt
	r.Waves, r.Figures, r.Refusals, r.By, r.Before = e.Waves, e.Figures, e.Refusals, e.By, e.Before
	r.Module.Imports, r.Module.Cost = e.Module.Imports, e.Module.Cost
	if before := entryOf(entries, e.Previous); before != nil && before.Text != "" && e.Text != "" {
		r.Diff = record.Diff(before.Text, e.Text)
	}
}

// Diff compares two revisions of a filter. Each may be the begin of an id. Without from, it is the
// revision before to; without both, they are the stable revision and the candidate, or else the
// last two. The error says which revision is not known.
func Diff(v *View, name, from, to string) (api.Diff, *api.Error) {
	h, ok := History(v, name)
	if !ok {
		return api.Diff{}, command.NoFilter(name)
	}
	a, b, problem := sides(&h, from, to)
	if problem != nil {
		return api.Diff{}, problem
	}
	d := api.Diff{
		Name: name, From: *a, To: *b, Diff: []string{},
		ImportsAdded: without(b.Module.Imports, a.Module.Imports), ImportsRemoved: without(a.Module.Imports, b.Module.Imports),
	}
	entries := entriesOf(v, name)
	before, after := entryOf(entries, a.Revision), entryOf(entries, b.Revision)
	switch {
	case before == nil || before.Text == "":
		d.Incomplete = "the record does not have the text of revision " + a.Revision
	case after == nil || after.Text == "":
		d.Incomplete = "the record does not have the text of revision " + b.Revision
	default:
		d.Diff = append(d.Diff, record.Diff(before.Text, after.Text)...)
		if !record.HasSettings(before.Text) || !record.HasSettings(after.Text) {
			d.Incomplete = "of one revision, the record does not have delivery, nodes and rollout"
		}
	}
	return d, nil
}

// without returns the texts of all, apart from those of others. The result is never nil.
func without(all, others []string) []string {
	return slices.DeleteFunc(append([]string{}, all...), func(one string) bool { return slices.Contains(others, one) })
}

// sides returns the two revisions to compare.
func sides(h *api.History, from, to string) (a, b *api.Revision, problem *api.Error) {
	if from == "" && to == "" {
		a, b = usualSides(h)
	}
	if to != "" {
		if b, problem = find(h, to); problem != nil {
			return nil, nil, problem
		}
	}
	if from != "" {
		if a, problem = find(h, from); problem != nil {
			return nil, nil, problem
		}
	}
	if b == nil {
		b = ofState(h, api.RevisionActive, api.RevisionStable, api.RevisionCandidate)
	}
	if a == nil && b != nil {
		a = before(h, b)
	}
	if a == nil || b == nil {
		return nil, nil, command.NothingToCompare(h.Name)
	}
	return a, b, nil
}

// usualSides returns the stable revision and the candidate, or else the last two.
func usualSides(h *api.History) (a, b *api.Revision) {
	if b = ofState(h, api.RevisionCandidate); b != nil {
		a = ofState(h, api.RevisionActive, api.RevisionStable)
		return a, b
	}
	if len(h.Revisions) > 0 {
		b = &h.Revisions[0]
	}
	return nil, b
}

// ofState returns the revision with the first of the states that any has; nil: none has.
func ofState(h *api.History, states ...api.RevisionState) *api.Revision {
	for _, state := range states {
		for i := range h.Revisions {
			if h.Revisions[i].State == state {
				return &h.Revisions[i]
			}
		}
	}
	return nil
}

// before returns the revision that was wanted before another one; nil: none is known.
func before(h *api.History, r *api.Revision) *api.Revision {
	for i := range h.Revisions {
		if h.Revisions[i].Revision == r.Previous {
			return &h.Revisions[i]
		}
	}
	for i := range h.Revisions[:max(len(h.Revisions)-1, 0)] {
		if h.Revisions[i].Revision == r.Revision {
			return &h.Revisions[i+1]
		}
	}
	return nil
}

// find returns the revision with this begin of its id.
func find(h *api.History, id string) (*api.Revision, *api.Error) {
	var found []*api.Revision
	for i := range h.Revisions {
		if strings.HasPrefix(h.Revisions[i].Revision, strings.ToLower(id)) {
			found = append(found, &h.Revisions[i])
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	return nil, command.NoRevision(h.Name, cmp.Or(id, "-"), len(found))
}
