// Package tags knows where the tags lead that specs name in registries, and when a registry is
// asked next. The package is pure: [Table] asks nobody and reads no clock.
//
// A digest belongs to a naming: a spec and its tag. The digest is looked up when the spec
// begins to name the tag, and later only by the spec's own refresh. Therefore an unrelated
// edit, a restart or another spec never deploys the move of a tag. Namings share the requests
// to registries, but not the consequences of an answer.
//
// The caller tells the table of each set ([Table.Watch]), asks for due polls ([Table.Begin]) at
// the time that [Table.Due] gives, and brings the answers ([Table.Answer], [Table.Learn]). The
// state file has [Saved] for each filter ([Table.Save], [Table.Restore]).
//
// A Table belongs to one goroutine.
package tags

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/pause"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Table has the namings of tags.
// See docs/RATIONALE.md#why-does-a-digest-belong-to-a-spec-and-not-to-a-tag.
type Table struct {
	pauses  pause.Policy       // after failed polls
	namings map[string]*naming // by filter
	asked   map[string]*tag    // by reference, as written with tag and registry
	due     time.Time          // of the next poll; zero: none
	// watched are the specs from which namings was made, if taken. notAll: some specs had errors.
	watched []*spec.Spec
	taken   bool
	notAll  bool
	// changes rises whenever any digest may have changed.
	changes uint64
}

// Saved is a naming in the state file.
type Saved struct {
	Reference string `json:"reference"`
	Digest    string `json:"digest"`
}

// Poll is the answer of a registry: the digest of a tag, or the error of the request.
type Poll struct {
	Reference string
	Digest    string
	Err       *spec.Error
}

// Moves has the changes after an answer.
type Moves struct {
	Moved  []Move // the namings with a refresh
	Stayed []Move // the namings without a refresh, if the digest is new
	Fails  bool   // the poll failed, with another message than before
	Shown  bool   // polls began or ceased to fail
}

// Move is a filter with the former digest of its tag.
type Move struct{ Filter, From string }

// New returns an empty table. pauses are the pauses after failed polls.
func New(pauses pause.Policy) *Table {
	return &Table{pauses: pauses, namings: map[string]*naming{}, asked: map[string]*tag{}}
}

// Restore takes the state that an earlier process saved. A state without namings has digests by
// reference: then restore makes namings for the filters that were served from a tag.
func (t *Table) Restore(namings map[string]Saved, digests map[string]string, served *snapshot.Snapshot) {
	*t = Table{pauses: t.pauses, namings: map[string]*naming{}, asked: map[string]*tag{}, changes: t.changes + 1}
	for filter, one := range namings {
		t.namings[filter] = &naming{reference: one.Reference, digest: one.Digest, left: true}
	}
	if namings != nil {
		return
	}
	for _, f := range served.All() {
		if f.Revision == nil || f.Removed {
			continue
		}
		if digest := digests[f.Revision.Module.Reference]; digest != "" {
			t.namings[f.Name] = &naming{reference: f.Revision.Module.Reference, digest: digest, left: true}
		}
	}
}

// Save returns the arguments of [Table.Restore]. Older versions read only the digests by
// reference.
func (t *Table) Save() (namings map[string]Saved, digests map[string]string) {
	namings, digests = map[string]Saved{}, map[string]string{}
	for _, filter := range slices.Sorted(maps.Keys(t.namings)) {
		one := t.namings[filter]
		if one.digest == "" {
			continue
		}
		namings[filter] = Saved{one.reference, one.digest}
		if digests[one.reference] == "" {
			digests[one.reference] = one.digest
		}
	}
	return namings, digests
}

// Digest is a spec's digest of its tag; "": not known, or the module has no tag.
func (t *Table) Digest(s *spec.Spec) string {
	if !Tagged(s) {
		return s.Module.OCI.Digest
	}
	if one := t.namings[s.Name]; one != nil && one.reference == s.Module.OCI.String() {
		return one.digest
	}
	return ""
}

// Leads is the present digest of the tag that a filter's spec names; "": not known.
func (t *Table) Leads(filter, reference string) string {
	one, shared := t.namings[filter], t.asked[reference]
	if one == nil || one.reference != reference || shared == nil {
		return ""
	}
	return shared.leads
}

// Changes rises whenever any digest may have changed.
func (t *Table) Changes() uint64 { return t.changes }

// Due is the time of the next poll; zero: no poll is due.
func (t *Table) Due() time.Time { return t.due }

// Problem is the error of the last poll of a tag that a spec follows; nil: there is none.
func (t *Table) Problem(s *spec.Spec) *spec.Error {
	if !Tagged(s) || s.Module.Refresh == 0 {
		return nil
	}
	if one := t.asked[s.Module.OCI.String()]; one != nil {
		return one.err
	}
	return nil
}

// Watch takes the present specs, and says whether namings were dropped. notAll: some specs may
// be missing. served says whether a filter is served, and was not removed.
func (t *Table) Watch(specs []*spec.Spec, notAll bool, served func(filter string) bool, now time.Time) (dropped bool) {
	same := t.taken && t.notAll == notAll && sameTags(t.watched, specs)
	t.watched, t.taken, t.notAll = specs, true, notAll
	if same {
		return false
	}
	namings := map[string]*naming{}
	for _, s := range specs {
		if !Tagged(s) {
			continue
		}
		one := &naming{reference: s.Module.OCI.String(), refresh: s.Module.Refresh, module: s.Module}
		before := t.namings[s.Name]
		switch {
		case before == nil:
		case before.reference == one.reference && (!before.left || served(s.Name)):
			one.goOn(before, now)
		default: // the spec begins to name the tag
			dropped = true
			t.changes++
		}
		namings[s.Name] = one
	}
	for filter, before := range t.namings {
		if namings[filter] != nil {
			continue
		}
		_, otherwise := slices.BinarySearchFunc(specs, filter, func(s *spec.Spec, name string) int { return strings.Compare(s.Name, name) })
		if !otherwise && (notAll || served(filter)) {
			before.left, before.due, before.waits = true, time.Time{}, false
			namings[filter] = before
			continue
		}
		dropped = true
	}
	t.namings = namings
	t.dropAsked()
	t.schedule()
	return dropped
}

// dropAsked drops the unnamed tags.
func (t *Table) dropAsked() {
	named := map[string]struct{}{}
	for _, one := range t.namings {
		named[one.reference] = struct{}{}
	}
	maps.DeleteFunc(t.asked, func(reference string, _ *tag) bool { _, ok := named[reference]; return !ok })
}

// Learn takes the first digest of a tag that a filter's spec has begun to name. A naming that has
// a digest stays the same.
func (t *Table) Learn(filter, reference, digest string, now time.Time) bool {
	one := t.namings[filter]
	if one == nil || one.reference != reference || one.digest != "" {
		return false
	}
	one.digest = digest
	one.due = now.Add(jittered(one.every()))
	t.of(reference).leads = digest
	t.changes++
	t.schedule()
	return true
}

// PollNow makes a poll due for each followed tag, and says whether there is one.
func (t *Table) PollNow(now time.Time) (some bool) {
	for _, n := range t.namings {
		if n.refresh > 0 && !n.left && n.digest != "" {
			n.due, some = now, true
		}
	}
	t.schedule()
	return some
}

// Begin returns the tags to poll now, each with a module that names the tag.
func (t *Table) Begin(now time.Time) map[string]spec.Module {
	if t.due.IsZero() || now.Before(t.due) {
		return nil
	}
	polls := map[string]spec.Module{}
	for _, filter := range slices.Sorted(maps.Keys(t.namings)) {
		one := t.namings[filter]
		if one.due.IsZero() || now.Before(one.due) {
			continue
		}
		one.due, one.waits = time.Time{}, true
		shared := t.of(one.reference)
		chosen, begun := polls[one.reference]
		if !begun && !shared.polling || begun && chosen.PullSecret == nil && one.module.PullSecret != nil {
			polls[one.reference] = one.module
		}
		shared.polling = true
	}
	t.schedule()
	return polls
}

// Answer takes the answer of a poll, and schedules the next poll of the waiting namings.
// After failures the next poll comes sooner than the spec's refresh, and after growing pauses.
func (t *Table) Answer(p Poll, now time.Time) Moves {
	one := t.asked[p.Reference]
	if one == nil {
		return Moves{} // no spec names the reference any more
	}
	one.polling = false
	before := one.err
	one.err = nil
	var came Moves
	if p.Err != nil {
		one.failed++
		if t.follows(p.Reference) {
			one.err = p.Err
		}
		came.Fails = one.err != nil && (before == nil || before.Message != p.Err.Message)
	} else {
		one.failed = 0
	}
	came.Shown = (before == nil) != (one.err == nil)
	news := p.Err == nil && one.leads != p.Digest
	if news {
		one.leads = p.Digest
	}
	for _, filter := range slices.Sorted(maps.Keys(t.namings)) {
		n := t.namings[filter]
		if n.reference != p.Reference || n.left {
			continue
		}
		t.answerTo(filter, n, p, news, &came)
		if n.waits {
			n.waits = false
			n.due = now.Add(jittered(n.after(one.failed, t.pauses)))
		}
	}
	t.schedule()
	return came
}

// answerTo applies an answer to a naming.
func (t *Table) answerTo(filter string, n *naming, p Poll, news bool, came *Moves) {
	if p.Err != nil || n.digest == "" || n.digest == p.Digest {
		return
	}
	switch {
	case n.refresh > 0 && n.waits:
		came.Moved = append(came.Moved, Move{filter, n.digest})
		n.digest = p.Digest
		t.changes++
	case n.refresh == 0 && news:
		came.Stayed = append(came.Stayed, Move{filter, n.digest})
	}
}

// follows says whether any naming of the reference has a refresh.
func (t *Table) follows(reference string) bool {
	for _, one := range t.namings {
		if one.reference == reference && one.refresh > 0 && !one.left {
			return true
		}
	}
	return false
}

// Polling says whether a poll of a followed tag is running.
func (t *Table) Polling() bool {
	for _, n := range t.namings {
		if n.refresh > 0 && !n.left && n.waits {
			return true
		}
	}
	return false
}

// Failing says whether the poll of any followed tag fails.
func (t *Table) Failing() bool {
	for _, one := range t.asked {
		if one.err != nil {
			return true
		}
	}
	return false
}

// schedule sets the time of the next poll.
func (t *Table) schedule() {
	t.due = time.Time{}
	for _, one := range t.namings {
		if !one.due.IsZero() && (t.due.IsZero() || one.due.Before(t.due)) {
			t.due = one.due
		}
	}
}

// of returns the shared data of a reference, and makes them if needed.
func (t *Table) of(reference string) *tag {
	if t.asked[reference] == nil {
		t.asked[reference] = &tag{}
	}
	return t.asked[reference]
}
