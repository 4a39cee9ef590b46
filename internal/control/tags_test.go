package control

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

const (
	prodTag  = "r.example/a:prod"
	otherTag = "r.example/b:v1"
)

// ofTag is a spec whose module is a tag's, polled every so often; 0: not at all.
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

// tagRig plays what happens to tags, step by step, at a time of its own.
type tagRig struct {
	t    *testing.T
	now  time.Time
	tags tags
}

func newTagRig(t *testing.T, digests map[string]string) *tagRig {
	r := &tagRig{t: t, now: time.Unix(1000, 0)}
	r.tags.restore(digests)
	return r
}

func (r *tagRig) watch(specs ...*spec.Spec) bool { return r.tags.watch(specs, false, r.now) }

// polls are the tags that are polled after that time.
func (r *tagRig) polls(after time.Duration) string {
	r.now = r.now.Add(after)
	return strings.Join(slices.Sorted(maps.Keys(r.tags.begin(r.now))), " ")
}

func (r *tagRig) wantPolls(after time.Duration, want string) {
	r.t.Helper()
	if got := r.polls(after); got != want {
		r.t.Errorf("after %s there is polled %q, want %q", after, got, want)
	}
}

// wantDue wants the next poll within these times from now; 0 and 0: none.
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

// wantDueAround wants what a jittered time may be.
func (r *tagRig) wantDueAround(d time.Duration) {
	r.t.Helper()
	r.wantDue(d*9/10, d*11/10+1)
}

func (r *tagRig) answer(digest string) outcomeOfPoll {
	return r.tags.answer(polled{reference: prodTag, digest: digest}, r.now)
}

func (r *tagRig) failure(message string) outcomeOfPoll {
	return r.tags.answer(polled{reference: prodTag, err: &spec.Error{Code: "registry_unreachable", Message: message}}, r.now)
}

func (r *tagRig) wantDigest(s *spec.Spec, want string) {
	r.t.Helper()
	if got := r.tags.digest(s); got != want {
		r.t.Errorf("%s leads to %q, want %q", s.Module.OCI, got, want)
	}
}

func TestWhatATagLeadsTo(t *testing.T) {
	const pinned = "sha256:0000000000000000000000000000000000000000000000000000000000000001"
	r := newTagRig(t, map[string]string{prodTag: "d1"})
	r.watch(ofTag(t, prodTag, 0), ofTag(t, otherTag, 0))
	r.wantDigest(ofTag(t, prodTag, 0), "d1")
	r.wantDigest(ofTag(t, otherTag, 0), "")
	r.wantDigest(ofTag(t, "r.example/a@"+pinned, 0), pinned)
	r.wantDigest(specOf("file"), "")
	if got := r.tags.save(); !maps.Equal(got, map[string]string{prodTag: "d1"}) {
		t.Errorf("saved %v", got)
	}
	if !r.tags.learn(otherTag, "d2", r.now) || r.tags.learn(otherTag, "d3", r.now) || r.tags.learn("r.example/c:v1", "d4", r.now) {
		t.Error("a tag is learned once, and when a spec names it")
	}
	r.wantDigest(ofTag(t, otherTag, 0), "d2")
	r.wantDue(0, 0)
}

func TestWhichTagsAreKept(t *testing.T) {
	for _, tc := range []struct {
		name      string
		specs     []*spec.Spec
		notAll    bool
		want      string
		forgotten bool
	}{
		{"named", []*spec.Spec{ofTag(t, prodTag, time.Minute)}, false, "d1", false},
		{"of no spec", nil, false, "", true},
		{"of no spec that can be read", nil, true, "d1", false},
		{"another tag", []*spec.Spec{ofTag(t, otherTag, 0)}, false, "", true},
		{"by digest now", []*spec.Spec{ofTag(t, "r.example/a@sha256:"+strings.Repeat("1", 64), 0)}, false, "", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newTagRig(t, map[string]string{prodTag: "d1"})
			r.watch(ofTag(t, prodTag, time.Minute))
			if forgotten := r.tags.watch(tc.specs, tc.notAll, r.now); forgotten != tc.forgotten {
				t.Errorf("forgotten: %t", forgotten)
			}
			if got := r.tags.save()[prodTag]; got != tc.want {
				t.Errorf("kept %q, want %q", got, tc.want)
			}
			if tc.notAll {
				r.wantDue(0, 0)
			}
		})
	}
}

func TestWhenTagsArePolled(t *testing.T) {
	for _, tc := range []struct {
		name  string
		known string
		specs []*spec.Spec
		due   time.Duration // at the latest; 0: never
	}{
		{"not at all", "d1", []*spec.Spec{ofTag(t, prodTag, 0)}, 0},
		{"soon after a start", "d1", []*spec.Spec{ofTag(t, prodTag, time.Hour)}, pollFirst},
		{"within its time after a start", "d1", []*spec.Spec{ofTag(t, prodTag, time.Second)}, time.Second},
		{"not before it was looked at", "", []*spec.Spec{ofTag(t, prodTag, time.Hour)}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newTagRig(t, map[string]string{prodTag: tc.known})
			r.watch(tc.specs...)
			r.wantDue(0, tc.due)
		})
	}
}

func TestATagIsPolledAsOftenAsOneSpecWants(t *testing.T) {
	r := newTagRig(t, nil)
	r.watch(ofTag(t, prodTag, 0), ofTag(t, prodTag, time.Hour), ofTag(t, prodTag, time.Minute), ofTag(t, prodTag, 2*time.Hour))
	r.tags.learn(prodTag, "d1", r.now)
	r.wantDueAround(time.Minute)
}

func TestPolls(t *testing.T) {
	r := newTagRig(t, nil)
	s := ofTag(t, prodTag, time.Minute)
	r.watch(s)
	r.tags.learn(prodTag, "d1", r.now)
	r.wantDueAround(time.Minute)
	r.watch(s) // nothing new
	r.wantPolls(50*time.Second, "")
	r.wantPolls(20*time.Second, prodTag)
	// Until its answer is there it is not polled again, whatever becomes of the specs.
	r.watch(ofTag(t, prodTag, time.Second))
	r.watch(s)
	r.wantPolls(time.Hour, "")
	if came := r.answer("d1"); came != (outcomeOfPoll{from: "d1"}) {
		t.Errorf("the same digest: %+v", came)
	}
	r.wantDueAround(time.Minute)
	r.wantPolls(2*time.Minute, prodTag)
	if came := r.answer("d2"); came != (outcomeOfPoll{from: "d1", moved: true}) {
		t.Errorf("another digest: %+v", came)
	}
	r.wantDigest(s, "d2")

	// The time between polls changes, and then nobody wants them.
	r.watch(ofTag(t, prodTag, time.Hour))
	r.wantDueAround(time.Hour)
	r.watch(ofTag(t, prodTag, 0))
	r.wantDue(0, 0)
	r.wantDigest(s, "d2")
	r.watch()
	if came := r.answer("d3"); came != (outcomeOfPoll{}) {
		t.Errorf("an answer that nobody waits for: %+v", came)
	}
}

func TestPollsThatFail(t *testing.T) {
	r := newTagRig(t, map[string]string{prodTag: "d1"})
	s := ofTag(t, prodTag, 24*time.Hour)
	r.watch(s)
	r.wantPolls(pollFirst, prodTag)
	if came := r.failure("no route"); came != (outcomeOfPoll{from: "d1", fails: true, shown: true}) {
		t.Errorf("the first failure: %+v", came)
	}
	wait := retryPauses.First
	for range 7 {
		r.wantDueAround(wait)
		r.wantPolls(2*wait, prodTag)
		if came := r.failure("no route"); came != (outcomeOfPoll{from: "d1"}) {
			t.Errorf("the same failure: %+v", came)
		}
		wait = min(2*wait, retryPauses.Most)
	}
	r.wantDigest(s, "d1")
	if came := r.failure("refused"); came != (outcomeOfPoll{from: "d1", fails: true}) {
		t.Errorf("another failure: %+v", came)
	}
	if came := r.answer("d1"); came != (outcomeOfPoll{from: "d1", shown: true}) {
		t.Errorf("an answer: %+v", came)
	}
	r.wantDueAround(24 * time.Hour)
	r.failure("no route")
	r.wantDueAround(retryPauses.First)
	// What is polled more often than that is not polled less often for failing.
	r.watch(ofTag(t, prodTag, time.Second))
	r.failure("no route")
	r.wantDueAround(time.Second)
}

// Of the specs that name a tag, the first with a secret is asked with.
func TestWhoseSecretPolls(t *testing.T) {
	secret := func(path string) *spec.Spec { return withSecret(ofTag(t, prodTag, time.Minute), path) }
	for name, tc := range map[string]struct {
		specs []*spec.Spec
		want  string
	}{
		"one":             {[]*spec.Spec{secret("/s1")}, "/s1"},
		"the first":       {[]*spec.Spec{secret("/s1"), secret("/s2")}, "/s1"},
		"the one that is": {[]*spec.Spec{ofTag(t, prodTag, time.Minute), secret("/s1")}, "/s1"},
	} {
		r := newTagRig(t, map[string]string{prodTag: "d1"})
		r.watch(tc.specs...)
		module := r.tags.begin(r.now.Add(pollFirst))[prodTag]
		if got := cmp.Or(module.PullSecret, &spec.FileRef{}).Path; got != tc.want {
			t.Errorf("%s: polled with %q, want %q", name, got, tc.want)
		}
	}
}
