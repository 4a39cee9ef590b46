package tags

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/pause"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

const (
	prodTag  = "r.example/a:prod"
	otherTag = "r.example/b:v1"
)

var testPauses = pause.Policy{First: 15 * time.Second, Most: 5 * time.Minute}

// ofTag is a spec with a tag, polled at an interval of refresh; 0: not polled.
func ofTag(t *testing.T, reference string, refresh time.Duration) *spec.Spec {
	t.Helper()
	ref, err := spec.ParseReference(reference)
	if err != nil {
		t.Fatal(err)
	}
	return &spec.Spec{Name: "auth", Module: spec.Module{OCI: ref, Refresh: refresh}}
}

func withSecret(s *spec.Spec, path string) *spec.Spec {
	s.Module.PullSecret = &spec.FileRef{Path: path}
	return s
}

// tagRig drives tags step by step, with a clock of its own.
type tagRig struct {
	t    *testing.T
	now  time.Time
	tags *Table
}

// newTagRig has the state of an earlier process: the digest of the served filter auth.
func newTagRig(t *testing.T, digest string) *tagRig {
	r := &tagRig{t: t, now: time.Unix(1000, 0), tags: New(testPauses)}
	namings := map[string]Saved{}
	if digest != "" {
		namings["auth"] = Saved{prodTag, digest}
	}
	r.tags.Restore(namings, nil, snapshot.New(nil))
	return r
}

func isServed(string) bool  { return true }
func isRemoved(string) bool { return false }

func (r *tagRig) watch(specs ...*spec.Spec) bool {
	return r.tags.Watch(byName(specs), false, isServed, r.now)
}

// byName sorts specs, as a set does.
func byName(specs []*spec.Spec) []*spec.Spec {
	slices.SortFunc(specs, func(a, b *spec.Spec) int { return strings.Compare(a.Name, b.Name) })
	return specs
}

func called(name string, s *spec.Spec) *spec.Spec {
	s.Name = name
	return s
}

// polls returns the tags with a due poll after that time.
func (r *tagRig) polls(after time.Duration) string {
	r.now = r.now.Add(after)
	return strings.Join(slices.Sorted(maps.Keys(r.tags.Begin(r.now))), " ")
}

func (r *tagRig) wantPolls(after time.Duration, want string) {
	r.t.Helper()
	if got := r.polls(after); got != want {
		r.t.Errorf("after %s there is polled %q, want %q", after, got, want)
	}
}

// wantDue wants the next poll between these times from now; 0 and 0: none.
func (r *tagRig) wantDue(from, to time.Duration) {
	r.t.Helper()
	if to == 0 {
		if !r.tags.due.IsZero() {
			r.t.Errorf("a poll is due in %s, want none", r.tags.due.Sub(r.now))
		}
		return
	}
	if in := r.tags.due.Sub(r.now); in < from || in > to {
		r.t.Errorf("a poll is due in %s, want %s to %s", in, from, to)
	}
}

// wantDueAround wants a jittered time.
func (r *tagRig) wantDueAround(d time.Duration) {
	r.t.Helper()
	r.wantDue(d*9/10, d*11/10+1)
}

func (r *tagRig) answer(digest string) Moves {
	return r.tags.Answer(Poll{Reference: prodTag, Digest: digest}, r.now)
}

func (r *tagRig) failure(message string) Moves {
	return r.tags.Answer(Poll{Reference: prodTag, Err: &spec.Error{Code: "registry_unreachable", Message: message}}, r.now)
}

func (r *tagRig) wantDigest(s *spec.Spec, want string) {
	r.t.Helper()
	if got := r.tags.Digest(s); got != want {
		r.t.Errorf("%s leads to %q, want %q", s.Module.OCI, got, want)
	}
}

func TestWhatATagLeadsTo(t *testing.T) {
	const pinned = "sha256:0000000000000000000000000000000000000000000000000000000000000001"
	r := newTagRig(t, "d1")
	other := called("other", ofTag(t, otherTag, 0))
	r.watch(ofTag(t, prodTag, 0), other)
	r.wantDigest(ofTag(t, prodTag, 0), "d1")
	r.wantDigest(other, "")
	r.wantDigest(ofTag(t, "r.example/a@"+pinned, 0), pinned)
	r.wantDigest(&spec.Spec{Name: "file", Module: spec.Module{File: &spec.FileRef{Path: "/m.wasm"}}}, "")
	namings, digests := r.tags.Save()
	if !maps.Equal(namings, map[string]Saved{"auth": {prodTag, "d1"}}) || !maps.Equal(digests, map[string]string{prodTag: "d1"}) {
		t.Errorf("saved %v, %v", namings, digests)
	}
	if !r.tags.Learn("other", otherTag, "d2", r.now) || r.tags.Learn("other", otherTag, "d3", r.now) ||
		r.tags.Learn("none", otherTag, "d4", r.now) || r.tags.Learn("auth", otherTag, "d5", r.now) {
		t.Error("a tag is learned once, and when a spec names it")
	}
	r.wantDigest(other, "d2")
}

// TestADigestBelongsToANaming: specs that name the same tag are independent.
func TestADigestBelongsToANaming(t *testing.T) {
	r := newTagRig(t, "d1")
	pinned := ofTag(t, prodTag, 0)
	r.watch(pinned)
	r.wantPolls(0, "")

	// A spec that begins to name the tag gets the present digest.
	follower := called("follower", ofTag(t, prodTag, time.Minute))
	rare := called("rare", ofTag(t, prodTag, time.Hour))
	r.watch(pinned, follower, rare)
	r.wantDigest(pinned, "d1")
	r.wantDigest(follower, "")
	r.tags.Learn("follower", prodTag, "d2", r.now)
	r.tags.Learn("rare", prodTag, "d2", r.now)
	r.wantDigest(pinned, "d1")
	r.wantDigest(follower, "d2")
	if got := r.tags.Leads("auth", prodTag); got != "d2" {
		t.Errorf("the tag is shown to lead to %q", got)
	}

	// A poll for a spec moves no other spec.
	r.wantPolls(2*time.Minute, prodTag)
	came := r.answer("d3")
	if !slices.Equal(came.Moved, []Move{{"follower", "d2"}}) || !slices.Equal(came.Stayed, []Move{{"auth", "d1"}}) {
		t.Errorf("the answer moved %+v, stayed %+v", came.Moved, came.Stayed)
	}
	r.wantDigest(pinned, "d1")
	r.wantDigest(follower, "d3")
	r.wantDigest(rare, "d2")
	if got := r.tags.Leads("auth", prodTag); got != "d3" {
		t.Errorf("the tag is shown to lead to %q", got)
	}

	// A restart moves no spec either.
	namings, digests := r.tags.Save()
	r.tags.Restore(namings, digests, snapshot.New(nil))
	r.watch(pinned, follower, rare)
	r.wantDigest(pinned, "d1")
	r.wantDigest(follower, "d3")
	r.wantDigest(rare, "d2")
}

func TestWhichNamingsAreKept(t *testing.T) {
	for _, tc := range []struct {
		name   string
		specs  []*spec.Spec
		notAll bool
		served func(string) bool
		want   string
		back   string // the digest once the spec is there again
	}{
		{"named", []*spec.Spec{ofTag(t, prodTag, time.Minute)}, false, isServed, "d1", "d1"},
		{"of a removed spec", nil, false, isRemoved, "", ""},
		{"of specs that all went at once, and are held", nil, false, isServed, "d1", "d1"},
		{"of no spec that can be read", nil, true, isRemoved, "d1", ""},
		{"of a served filter whose spec cannot be read", nil, true, isServed, "d1", "d1"},
		{"another tag", []*spec.Spec{ofTag(t, otherTag, 0)}, false, isServed, "", ""},
		{"by digest now", []*spec.Spec{ofTag(t, "r.example/a@sha256:"+strings.Repeat("1", 64), 0)}, false, isServed, "", ""},
		{"of another spec", []*spec.Spec{called("other", ofTag(t, prodTag, 0))}, false, isRemoved, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newTagRig(t, "d1")
			r.watch(ofTag(t, prodTag, time.Minute))
			r.tags.Watch(tc.specs, tc.notAll, tc.served, r.now)
			namings, _ := r.tags.Save()
			if got := namings["auth"].Digest; got != tc.want {
				t.Errorf("kept %q, want %q", got, tc.want)
			}
			back := ofTag(t, prodTag, time.Minute)
			r.tags.Watch([]*spec.Spec{back}, false, tc.served, r.now)
			r.wantDigest(back, tc.back)
		})
	}
}

// TestAStateOfAnOlderVersion: an older state has digests by reference. They count for filters
// that were served from the reference.
func TestAStateOfAnOlderVersion(t *testing.T) {
	served := func(name, reference string, removed bool) *snapshot.Filter {
		r := &snapshot.Revision{Filter: name, Type: spec.HTTP, Policy: spec.Closed}
		r.Module.Reference, r.Module.Digest = reference, "d0"
		return &snapshot.Filter{Name: name, Type: spec.HTTP, Revision: r.Seal(), Removed: removed}
	}
	r := newTagRig(t, "")
	r.tags.Restore(nil, map[string]string{prodTag: "d1"}, snapshot.New([]*snapshot.Filter{
		served("auth", prodTag, false), served("gone", prodTag, true), served("file", "", false),
	}))
	specs := []*spec.Spec{ofTag(t, prodTag, 0), called("gone", ofTag(t, prodTag, 0)), called("new", ofTag(t, prodTag, 0))}
	r.watch(specs...)
	r.wantDigest(specs[0], "d1")
	r.wantDigest(specs[1], "")
	r.wantDigest(specs[2], "")
}

func TestWhenTagsArePolled(t *testing.T) {
	for _, tc := range []struct {
		name  string
		known string
		specs []*spec.Spec
		due   time.Duration // at the latest; 0: never
	}{
		{"only to show where it leads", "d1", []*spec.Spec{ofTag(t, prodTag, 0)}, LookEvery},
		{"soon after a start", "d1", []*spec.Spec{ofTag(t, prodTag, time.Hour)}, pollFirst},
		{"within its time after a start", "d1", []*spec.Spec{ofTag(t, prodTag, time.Second)}, time.Second},
		{"not before it was looked at", "", []*spec.Spec{ofTag(t, prodTag, time.Hour)}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newTagRig(t, tc.known)
			r.watch(tc.specs...)
			r.wantDue(0, tc.due)
		})
	}
}

func TestPolls(t *testing.T) {
	r := newTagRig(t, "")
	s := ofTag(t, prodTag, time.Minute)
	r.watch(s)
	r.tags.Learn("auth", prodTag, "d1", r.now)
	r.wantDueAround(time.Minute)
	r.watch(s) // an unchanged spec
	r.wantPolls(50*time.Second, "")
	r.wantPolls(20*time.Second, prodTag)
	// No further poll begins before the answer, even when the spec changes.
	r.watch(ofTag(t, prodTag, time.Second))
	r.watch(s)
	r.wantPolls(time.Hour, "")
	wantOutcome(t, "the same digest", r.answer("d1"), Moves{})
	r.wantDueAround(time.Minute)
	r.wantPolls(2*time.Minute, prodTag)
	wantOutcome(t, "another digest", r.answer("d2"), Moves{Moved: []Move{{"auth", "d1"}}})
	r.wantDigest(s, "d2")

	// The time between polls changes, and then no spec wants polls.
	r.watch(ofTag(t, prodTag, time.Hour))
	r.wantDueAround(time.Hour)
	r.watch(ofTag(t, prodTag, 0))
	r.wantDueAround(LookEvery)
	r.wantDigest(s, "d2")
	r.tags.Watch(nil, false, isRemoved, r.now)
	wantOutcome(t, "an answer that nobody waits for", r.answer("d3"), Moves{})
}

func wantOutcome(t *testing.T, what string, got, want Moves) {
	t.Helper()
	if !slices.Equal(got.Moved, want.Moved) || !slices.Equal(got.Stayed, want.Stayed) || got.Fails != want.Fails || got.Shown != want.Shown {
		t.Errorf("%s: %+v, want %+v", what, got, want)
	}
}

// TestAPollThatOnlyShows: for a tag without a refresh, a failed poll is no problem of the filter.
func TestAPollThatOnlyShows(t *testing.T) {
	r := newTagRig(t, "d1")
	s := ofTag(t, prodTag, 0)
	r.watch(s)
	r.wantPolls(LookEvery, prodTag)
	wantOutcome(t, "a failure", r.failure("no route"), Moves{})
	r.wantDueAround(LookEvery)
	r.wantPolls(2*LookEvery, prodTag)
	wantOutcome(t, "another digest", r.answer("d2"), Moves{Stayed: []Move{{"auth", "d1"}}})
	r.wantPolls(2*LookEvery, prodTag)
	wantOutcome(t, "the same digest", r.answer("d2"), Moves{})
	r.wantDigest(s, "d1")
}

func TestPollsThatFail(t *testing.T) {
	r := newTagRig(t, "d1")
	s := ofTag(t, prodTag, 24*time.Hour)
	r.watch(s)
	r.wantPolls(pollFirst, prodTag)
	wantOutcome(t, "the first failure", r.failure("no route"), Moves{Fails: true, Shown: true})
	wait := testPauses.First
	for range 7 {
		r.wantDueAround(wait)
		r.wantPolls(2*wait, prodTag)
		wantOutcome(t, "the same failure", r.failure("no route"), Moves{})
		wait = min(2*wait, testPauses.Most)
	}
	r.wantDigest(s, "d1")
	r.polls(48 * time.Hour)
	wantOutcome(t, "another failure", r.failure("refused"), Moves{Fails: true})
	r.polls(48 * time.Hour)
	wantOutcome(t, "an answer", r.answer("d1"), Moves{Shown: true})
	r.wantDueAround(24 * time.Hour)
	r.polls(48 * time.Hour)
	r.failure("no route")
	r.wantDueAround(testPauses.First)
	// Failures do not slow down the polls of a tag with a short refresh.
	r.watch(ofTag(t, prodTag, time.Second))
	r.polls(48 * time.Hour)
	r.failure("no route")
	r.wantDueAround(time.Second)
}

// Of the specs that name a tag, the first with a secret lends the secret to the poll.
func TestWhoseSecretPolls(t *testing.T) {
	secret := func(path string) *spec.Spec { return withSecret(ofTag(t, prodTag, time.Minute), path) }
	for name, tc := range map[string]struct {
		specs []*spec.Spec
		want  string
	}{
		"one":             {[]*spec.Spec{secret("/s1")}, "/s1"},
		"the first":       {[]*spec.Spec{secret("/s1"), called("b", secret("/s2"))}, "/s1"},
		"the one that is": {[]*spec.Spec{ofTag(t, prodTag, time.Minute), called("b", secret("/s1"))}, "/s1"},
	} {
		r := newTagRig(t, "d1")
		r.tags.namings["b"] = &naming{reference: prodTag, digest: "d1", left: true}
		r.watch(tc.specs...)
		module := r.tags.Begin(r.now.Add(pollFirst))[prodTag]
		if got := cmp.Or(module.PullSecret, &spec.FileRef{}).Path; got != tc.want {
			t.Errorf("%s: polled with %q, want %q", name, got, tc.want)
		}
	}
}
