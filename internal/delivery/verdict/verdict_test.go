package verdict

import (
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

var (
	one   = &snapshot.Revision{ID: "one"}
	two   = &snapshot.Revision{ID: "two"}
	start = time.Unix(1000, 0)
)

func nobody() map[string]struct{} { return nil }

// A cache never tells a verdict that has changed, been dropped or been pruned meanwhile.
func TestCache(t *testing.T) {
	b := New()
	var c Cache
	check := func(r *snapshot.Revision, loads, judged bool) {
		t.Helper()
		for range 2 {
			if v, is := c.Of(b, r, "1.40.0"); v.Loads != loads || is != judged {
				t.Errorf("%s: loads %t, judged %t", r.ID, v.Loads, is)
			}
		}
	}
	check(one, false, false)
	if !b.Set(one, "1.40.0", Verdict{Loads: true}, start, nobody) || b.Set(one, "1.40.0", Verdict{Loads: true}, start, nobody) {
		t.Error("a verdict is news once")
	}
	check(one, true, true)
	b.Set(two, "1.40.0", Verdict{Message: "no"}, start, nobody)
	check(two, false, true)
	check(one, true, true)
	b.DropRefusals(two.ID)
	check(two, false, false)
	b.Drop(one.ID)
	check(one, false, false)
	b.Set(one, "1.40.0", Verdict{Loads: true}, start, nobody)
	check(one, true, true)
	b.Prune(func(string) bool { return false })
	check(one, false, false)
	if b.Len() != 0 || len(b.Versions()) != 0 {
		t.Errorf("%d verdicts, versions %v", b.Len(), b.Versions())
	}
	check(&snapshot.Revision{ID: "deny", BuiltIn: true}, true, true)
}

// A cache answers without the book.
func TestCacheHits(t *testing.T) {
	b := New()
	var c Cache
	for _, r := range []*snapshot.Revision{one, two} {
		b.Set(r, "1.40.0", Verdict{Loads: true}, start, nobody)
	}
	for range 2 { // the candidate and the stable revision
		for _, r := range []*snapshot.Revision{one, two} {
			if _, judged := c.Of(b, r, "1.40.0"); !judged {
				t.Fatalf("%s is looked up again", r.ID)
			}
		}
		clear(b.verdicts)
	}
}

// A verdict counts for its Envoy version alone.
func TestVersionsAreApart(t *testing.T) {
	b := New()
	b.Set(one, "1.40.0", Verdict{Message: "no"}, start, nobody)
	if _, judged := b.Of(one, "1.39.0"); judged || b.Proven(one, "1.40.0") || !b.Refused("one") || b.Refused("two") {
		t.Errorf("%+v", b.All())
	}
}
