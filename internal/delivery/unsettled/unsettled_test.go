package unsettled

import (
	"fmt"
	"testing"
)

// The record is written before an unproven push, and again when the node has answered. The filter
// stays in the record until the whole memory is saved.
func TestRecord(t *testing.T) {
	r, n := NewRecord(7), NewNodes()
	check := func(what string, dirty, awaited bool, filters int) {
		t.Helper()
		if d, a := r.TakeDirty(); d != dirty || a != awaited || len(r.Filters()) != filters {
			t.Errorf("%s: dirty %t, awaited %t, %d filters", what, d, a, len(r.Filters()))
		}
	}
	one := Node{Revision: "one", Envoy: "1.40.0"}
	r.Unsettle("auth", n, "edge", one, true)
	check("an unproven push", true, true, 1)
	r.Unsettle("auth", n, "edge", one, true)
	check("the same push again", false, false, 1)
	r.Unsettle("auth", n, "edge", Node{Envoy: "1.40.0"}, true)
	check("a refusal", false, false, 1)
	if n.Revision("edge") != "one" {
		t.Errorf("the revision is %q", n.Revision("edge"))
	}
	seq := r.NextSeq()
	r.Saved(seq)
	check("saved while it loads", false, false, 1)
	r.Settle("auth", n, "edge")
	check("an answer", true, false, 1)
	r.Saved(seq)
	check("the memory before the answer is saved", false, false, 1)
	r.Saved(r.NextSeq())
	check("the memory with the answer is saved", false, false, 0)
	r.Unsettle("ghost", NewNodes(), "edge", one, false)
	check("a name without a spec", false, false, 0)
}

// An announced node is in the record before its push, which then waits for no write.
func TestAnnounce(t *testing.T) {
	r, n := NewRecord(0), NewNodes()
	node := Node{Revision: "one", Envoy: "1.40.0"}
	r.Announce("auth", n, "edge", node)
	if n.NeedsAnnouncing("edge") || n.Has("edge") || n.Recorded()["edge"] != node {
		t.Errorf("%+v", n)
	}
	r.Unsettle("auth", n, "edge", node, true)
	if dirty, awaited := r.TakeDirty(); !dirty || awaited {
		t.Errorf("dirty %t, awaited %t: the record names the node", dirty, awaited)
	}
	r.Announce("auth", n, "other", node)
	r.Promoted(n)
	if !n.Has("edge") || len(n.Recorded()) != 1 {
		t.Errorf("after a promotion: %+v", n)
	}
	for i := 0; r.CanAnnounce(); i++ {
		if i > announceLimit {
			t.Fatal("announcements are not bounded")
		}
		r.Announce("auth", n, fmt.Sprint(i), node)
	}
	if r.Drop("auth", n); !r.CanAnnounce() || len(n.Recorded()) != 0 || len(r.Filters()) != 0 {
		t.Errorf("after the end of the spec: %+v", n)
	}
}
