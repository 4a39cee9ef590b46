package trace

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// book collects spans as text, each behind the names of its parents.
type book struct{ spans []Span }

func (b *book) emit(s Span) { b.spans = append(b.spans, s) }

// lines are the spans as "edit auth/wave all/push to a 1s-3s ok", sorted.
func (b *book) lines(t *testing.T, from time.Time) []string {
	t.Helper()
	byID := map[[8]byte]Span{}
	for _, s := range b.spans {
		if _, twice := byID[s.ID]; twice || s.End.Before(s.Start) {
			t.Errorf("the span %q ended twice, or before its start", s.Name)
		}
		byID[s.ID] = s
	}
	var lines []string
	for _, s := range b.spans {
		path, at := s.Name, s
		for at.Parent != ([8]byte{}) {
			parent, known := byID[at.Parent]
			if !known || parent.Trace != s.Trace {
				t.Fatalf("the parent of %q is missing", at.Name)
			}
			path, at = parent.Name+"/"+path, parent
		}
		outcome := "ok"
		if s.Error != "" {
			outcome = s.Error
		}
		for _, a := range s.Attributes {
			if a.Key == prefix+"outcome" {
				outcome += " " + fmt.Sprint(a.Value)
			}
		}
		lines = append(lines, fmt.Sprintf("%s %v-%v %s", path, s.Start.Sub(from), s.End.Sub(from), outcome))
	}
	slices.Sort(lines)
	return lines
}

func TestEdits(t *testing.T) {
	t0 := time.Unix(1000, 0)
	at := func(seconds int) time.Time { return t0.Add(time.Duration(seconds) * time.Second) }
	push := func(node, variant, token string) Push {
		return Push{Filter: "auth", Revision: "r1", Node: node, Envoy: "1.40.0", Variant: variant, Token: token}
	}
	published := func(r *Recorder) {
		r.Seen("auth", "auth.yaml", at(0))
		r.Part("auth", "read the module", at(0), at(1), "")
		r.Published("auth", "r1", "auth.yaml", at(2))
	}
	for _, tt := range []struct {
		name string
		do   func(r *Recorder)
		want []string
	}{
		{"an edit that changes nothing", func(r *Recorder) {
			r.Seen("auth", "auth.yaml", at(0))
			r.Part("auth", "read the module", at(0), at(1), "")
			r.Settled(func(string) bool { return true })
		}, nil},
		{"the sandbox refuses", func(r *Recorder) {
			r.Seen("auth", "auth.yaml", at(0))
			r.Part("auth", "check in the sandbox", at(0), at(1), "no such import")
			r.Refused("auth", "r1", "no such import", at(1))
		}, []string{"edit auth 0s-1s no such import refused", "edit auth/check in the sandbox 0s-1s no such import"}},
		{"two waves, remote and inline", func(r *Recorder) {
			published(r)
			r.Sent(1, at(2), push("a", "remote", "t1"))
			r.Answered(1, "auth", "not cached", at(3))
			r.Fetching("t1", at(3))
			r.Fetched("t1", true, at(4))
			r.Sent(1, at(4), push("a", "remote", "t2"))
			r.Answered(1, "auth", "", at(5))
			r.Passed("auth", "r1", "canary", at(6))
			r.Sent(2, at(6), push("b", "inline", ""))
			r.Answered(2, "auth", "", at(7))
			r.Live("auth", "r1", at(7))
		}, []string{
			"edit auth 0s-7s ok live", "edit auth/read the module 0s-1s ok",
			"edit auth/wave all 6s-7s ok", "edit auth/wave all/push to b 6s-7s ok",
			"edit auth/wave canary 2s-6s ok", "edit auth/wave canary/push to a 2s-5s ok", "edit auth/wave canary/push to a/fetch by a 3s-4s ok",
		}},
		{"an Envoy refuses", func(r *Recorder) {
			published(r)
			r.Sent(1, at(2), push("a", "inline", ""))
			r.Sent(2, at(2), push("b", "inline", ""))
			r.Answered(1, "auth", "it does not load", at(3))
			r.Refused("auth", "r1", "it does not load", at(3))
			r.Answered(2, "auth", "", at(4)) // too late
		}, []string{
			"edit auth 0s-3s it does not load refused", "edit auth/read the module 0s-1s ok", "edit auth/wave 2s-3s it does not load",
			"edit auth/wave/push to a 2s-3s it does not load", "edit auth/wave/push to b 2s-3s ok no answer",
		}},
		{"a stream ends, and the GET breaks", func(r *Recorder) {
			published(r)
			r.Sent(1, at(2), push("a", "remote", "t1"))
			r.Fetching("t1", at(3))
			r.Fetched("t1", false, at(4))
			r.Closed(1, at(5))
			r.End(at(6))
		}, []string{
			"edit auth 0s-6s ok interrupted", "edit auth/read the module 0s-1s ok", "edit auth/wave 2s-6s ok",
			"edit auth/wave/push to a 2s-5s the stream has ended before the answer", "edit auth/wave/push to a/fetch by a 3s-4s the GET of the module broke",
		}},
		{"a rollback by hand replaces the edit", func(r *Recorder) {
			published(r)
			r.Published("auth", "r0", "auth.yaml", at(4))
			r.Sent(1, at(4), Push{Filter: "auth", Revision: "r0", Node: "a", Variant: "inline"})
			r.Answered(1, "auth", "", at(5))
			r.Live("auth", "r0", at(5))
		}, []string{
			"change of auth 4s-5s ok live", "change of auth/wave all 4s-5s ok", "change of auth/wave all/push to a 4s-5s ok",
			"edit auth 0s-4s ok superseded", "edit auth/read the module 0s-1s ok", "edit auth/wave 2s-4s ok",
		}},
		{"a shared response is refused, and comes again alone", func(r *Recorder) {
			published(r)
			other := Push{Filter: "other", Revision: "r9", Node: "a", Variant: "inline"}
			r.Published("other", "r9", "", at(2))
			r.Sent(1, at(2), push("a", "inline", ""), other)
			r.Answered(1, "auth", "something does not load", at(3))
			r.Sent(1, at(3), push("a", "inline", ""))
			r.Answered(1, "auth", "", at(4))
			r.Live("auth", "r1", at(4))
			r.Sent(1, at(4), other)
			r.Answered(1, "other", "", at(5))
			r.Live("other", "r9", at(5))
		}, []string{
			"change of other 2s-5s ok live", "change of other/wave all 2s-5s ok", "change of other/wave all/push to a 2s-5s ok",
			"edit auth 0s-4s ok live", "edit auth/read the module 0s-1s ok", "edit auth/wave all 2s-4s ok", "edit auth/wave all/push to a 2s-4s ok",
		}},
	} {
		b := &book{}
		r := New(b.emit)
		tt.do(r)
		if diff := cmp.Diff(tt.want, b.lines(t, t0)); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
		if len(r.seen)+len(r.rolling)+len(r.tokens) > 0 {
			t.Errorf("%s: %d edits and %d tokens are left", tt.name, len(r.seen)+len(r.rolling), len(r.tokens))
		}
	}
}

// TestSpansAreBounded: neither many Envoys, nor many pushes, nor many edits cost unbounded memory.
func TestSpansAreBounded(t *testing.T) {
	b, now := &book{}, time.Unix(1000, 0)
	r := New(b.emit)
	r.Published("auth", "r1", "", now)
	for stream := range uint64(500) {
		for range 100 {
			r.Sent(stream, now, Push{Filter: "auth", Revision: "r1", Node: fmt.Sprint(stream), Variant: "remote", Token: "t"})
			r.Answered(stream, "auth", "not cached", now)
		}
	}
	r.Live("auth", "r1", now)
	if want := mostPushes + 2; len(b.spans) != want {
		t.Errorf("%d spans, want %d", len(b.spans), want)
	}
	root := b.spans[len(b.spans)-1]
	if text := fmt.Sprint(root.Attributes); !strings.Contains(text, "envoys 500") && !strings.Contains(text, "envoys_without_a_span") {
		t.Errorf("the root does not count the others: %s", text)
	}
	for _, s := range b.spans {
		if len(s.Events) > 16 {
			t.Errorf("%s has %d events", s.Name, len(s.Events))
		}
	}
	for i := range 3 * mostEdits {
		r.Seen(fmt.Sprint(i), "", now)
		r.Published(fmt.Sprint(i), "r", "", now)
	}
	if len(r.rolling) > mostEdits || len(r.seen) > mostEdits {
		t.Errorf("%d edits roll, %d wait", len(r.rolling), len(r.seen))
	}
}

// TestNoRecorderCostsNothing: without a collector, nothing is allocated.
func TestNoRecorderCostsNothing(t *testing.T) {
	var r *Recorder
	now := time.Now()
	if n := testing.AllocsPerRun(100, func() {
		r.Seen("auth", "", now)
		r.Published("auth", "r", "", now)
		r.Answered(1, "auth", "", now)
		r.Fetching("t", now)
		r.Fetched("t", true, now)
		r.Closed(1, now)
		r.Live("auth", "r", now)
		r.End(now)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
