package control

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// tags is the control's knowledge about the tags that specs name in registries. A digest belongs
// to a naming: a spec and its tag. The control looks the digest up when the spec begins to name
// the tag, and later only by the spec's own refresh. Therefore a tag's move is never deployed by
// an unrelated edit, a restart or another spec. Namings share the requests to registries, but not
// the consequences of an answer.
// See docs/RATIONALE.md#why-does-a-digest-belong-to-a-spec-and-not-to-a-tag.
type tags struct {
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

// naming is a spec's use of a tag. It stays while the spec names the tag, or the filter
// is served although the spec cannot be read.
type naming struct {
	reference string
	digest    string        // the spec's digest of the tag; "": not looked up yet
	refresh   time.Duration // 0: the digest never changes
	module    spec.Module   // the spec's module, for its credentials
	due       time.Time     // of the next poll; zero: none is due
	waits     bool          // for the answer of a running poll
	left      bool          // no readable spec names the tag
}

// tag is the data that the namings of a reference share.
type tag struct {
	leads   string // the digest in the last answer of a registry; "": not asked yet
	polling bool
	failed  int         // polls in a row
	err     *spec.Error // of the last poll, if a naming has a refresh
}

// savedNaming is a naming in the state file.
type savedNaming struct {
	Reference string `json:"reference"`
	Digest    string `json:"digest"`
}

const (
	// pollFirst is the longest time before a tag's first poll after a start: the tag may have
	// moved while no server looked.
	pollFirst = 5 * time.Second
	// lookEvery is the time between two polls of a tag without a refresh, which serve only the
	// status.
	lookEvery = 10 * time.Minute
)

// restore takes the state that an earlier process saved. A state without namings has digests by
// reference: then restore makes namings for the filters that were served from a tag.
func (t *tags) restore(namings map[string]savedNaming, digests map[string]string, served *snapshot.Snapshot) {
	*t = tags{namings: map[string]*naming{}, asked: map[string]*tag{}, changes: t.changes + 1}
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

// save returns the arguments of restore. Older versions read only the digests by reference.
func (t *tags) save() (namings map[string]savedNaming, digests map[string]string) {
	namings, digests = map[string]savedNaming{}, map[string]string{}
	for _, filter := range slices.Sorted(maps.Keys(t.namings)) {
		one := t.namings[filter]
		if one.digest == "" {
			continue
		}
		namings[filter] = savedNaming{one.reference, one.digest}
		if digests[one.reference] == "" {
			digests[one.reference] = one.digest
		}
	}
	return namings, digests
}

// digest is a spec's digest of its tag; "": not known, or the module has no tag.
func (t *tags) digest(s *spec.Spec) string {
	if !tagged(s) {
		return s.Module.OCI.Digest
	}
	if one := t.namings[s.Name]; one != nil && one.reference == s.Module.OCI.String() {
		return one.digest
	}
	return ""
}

// leads is the present digest of the tag that a filter's spec names; "": not known.
func (t *tags) leads(filter, reference string) string {
	one, shared := t.namings[filter], t.asked[reference]
	if one == nil || one.reference != reference || shared == nil {
		return ""
	}
	return shared.leads
}

// watch takes the present specs, and says whether namings were forgotten. notAll: some specs may
// be missing. served says whether a filter is served, and was not removed.
func (t *tags) watch(specs []*spec.Spec, notAll bool, served func(filter string) bool, now time.Time) (forgotten bool) {
	same := t.taken && t.notAll == notAll && sameTags(t.watched, specs)
	t.watched, t.taken, t.notAll = specs, true, notAll
	if same {
		return false
	}
	namings := map[string]*naming{}
	for _, s := range specs {
		if !tagged(s) {
			continue
		}
		one := &naming{reference: s.Module.OCI.String(), refresh: s.Module.Refresh, module: s.Module}
		before := t.namings[s.Name]
		switch {
		case before == nil:
		case before.reference == one.reference && (!before.left || served(s.Name)):
			one.goOn(before, now)
		default: // the spec begins to name the tag
			forgotten = true
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
		forgotten = true
	}
	t.namings = namings
	t.forgetAsked()
	t.schedule()
	return forgotten
}

// sameTags says whether no spec that differs between two sets names a tag. Both sets are sorted,
// and an unchanged spec is the same pointer in both.
func sameTags(before, now []*spec.Spec) bool {
	for len(before) > 0 || len(now) > 0 {
		switch {
		case len(before) > 0 && len(now) > 0 && before[0] == now[0]:
			before, now = before[1:], now[1:]
		case len(now) == 0 || len(before) > 0 && before[0].Name < now[0].Name:
			if tagged(before[0]) {
				return false
			}
			before = before[1:]
		default:
			if tagged(now[0]) {
				return false
			}
			now = now[1:]
		}
	}
	return true
}

// tagged says whether the spec's module has a tag in a registry, and no digest.
func tagged(s *spec.Spec) bool { return s.Module.OCI.Registry != "" && !s.Module.OCI.Pinned() }

// every is the time between two polls.
func (one *naming) every() time.Duration {
	if one.refresh > 0 {
		return one.refresh
	}
	return lookEvery
}

// goOn continues a former naming of the same tag.
func (one *naming) goOn(before *naming, now time.Time) {
	one.digest, one.due, one.waits = before.digest, before.due, before.waits
	switch {
	case one.digest == "" || one.waits:
	case one.refresh > 0 && before.refresh == 0:
		one.due = now.Add(rand.N(min(one.refresh, pollFirst)))
	case one.due.IsZero():
		one.due = now.Add(rand.N(one.every()))
	case before.refresh != one.refresh:
		one.due = now.Add(jittered(one.every()))
	}
}

// schedule sets the time of the next poll.
func (t *tags) schedule() {
	t.due = time.Time{}
	for _, one := range t.namings {
		if !one.due.IsZero() && (t.due.IsZero() || one.due.Before(t.due)) {
			t.due = one.due
		}
	}
}

// forgetAsked drops the unnamed tags.
func (t *tags) forgetAsked() {
	named := map[string]struct{}{}
	for _, one := range t.namings {
		named[one.reference] = struct{}{}
	}
	maps.DeleteFunc(t.asked, func(reference string, _ *tag) bool { _, ok := named[reference]; return !ok })
}

// jittered is a time around d, so that a hundred servers do not ask in the same moment.
func jittered(d time.Duration) time.Duration { return d*9/10 + rand.N(d/5+1) }

// learn takes the first digest of a tag that a filter's spec has begun to name. A naming that has
// a digest stays the same.
func (t *tags) learn(filter, reference, digest string, now time.Time) bool {
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

// of returns the shared data of a reference, and makes them if needed.
func (t *tags) of(reference string) *tag {
	if t.asked[reference] == nil {
		t.asked[reference] = &tag{}
	}
	return t.asked[reference]
}

// newestModule is a served revision's module as its spec names the module now: a tag may have
// moved to another image with the same bytes.
func (c *Control) newestModule(r *snapshot.Revision) snapshot.Module {
	m := r.Module
	e := c.entries.of(r.Filter)
	if e != nil && e.done.revision != nil && e.done.revision.ID == r.ID {
		m = e.done.revision.Module
	}
	return m
}
