package delivery

import (
	"fmt"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// proven is a rig in which an Envoy on stream 9 runs these filters.
func proven(t *testing.T, names ...string) *rig {
	r := newRig(t)
	for _, name := range names {
		r.edit(name, "of "+name, by(spec.Inline))
	}
	r.connect(9, connection{ads: true}, names...)
	for len(r.waiting[9]) > 0 {
		r.ack(9)
	}
	r.sent = nil
	return r
}

// runsOther is an Envoy that runs unknown revisions under these names, from an earlier server.
func runsOther(names ...string) connection {
	c := connection{ads: true, accepted: map[string]string{}}
	for _, name := range names {
		c.accepted[name] = "0123456789ab.i0000000900000001"
	}
	return c
}

func names(n int) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("filter-%03d", i))
	}
	return all
}

func TestWhatIsKnownToLoadIsPipelinedOnDelta(t *testing.T) {
	all := names(100)
	r := proven(t, all...)
	r.connect(1, runsOther(all...), all...)
	if n := len(r.sent); n != 64 {
		t.Fatalf("%d responses are outstanding, not 64", n)
	}
	// Half of the window is answered before more responses follow, all at once.
	for i := range all {
		r.ack(1)
		want := min(100, 64+(i+1)/32*32)
		if len(r.sent) != want {
			t.Fatalf("after %d answers %d responses were sent, not %d", i+1, len(r.sent), want)
		}
		r.wantState(1, all[i], "live of "+all[i])
	}
	for _, name := range all {
		r.wantState(1, name, "live of "+name)
	}
}

func TestLargeModulesAreNotPipelined(t *testing.T) {
	r := newRig(t)
	all := names(4)
	for _, name := range all {
		r.edit(name, "of "+name, by(spec.Inline), size(600<<10))
	}
	r.connect(9, connection{ads: true}, all...)
	for len(r.waiting[9]) > 0 {
		r.ack(9)
	}
	r.sent = nil
	r.connect(1, runsOther(all...), all...)
	r.want("1 filter-000 of filter-000 inline", "1 filter-001 of filter-001 inline")
	r.connect(2, connection{ads: true}, all...)
	r.want("2 filter-000 of filter-000 inline", "2 & filter-001 of filter-001 inline")
}

func TestAnswersInAnotherOrder(t *testing.T) {
	r := proven(t, "a", "b", "c")
	r.connect(1, runsOther("a", "b", "c"), "a", "b", "c")
	r.want("1 a of a inline", "1 b of b inline", "1 c of c inline")
	sent := r.last[1]
	r.step(Requested{Stream: 1, Answer: &Answer{Name: "c", Nack: true, Message: unable}})
	r.wantState(1, "c", "rejected ?0123456789ab "+CodeRejected) // and keeps the old revision
	r.step(Requested{Stream: 1, Answer: &Answer{Name: "a"}})
	r.step(Requested{Stream: 1, Answer: &Answer{Name: "nobody"}})
	r.step(Requested{Stream: 1, Answer: &Answer{Name: "b"}})
	r.want()
	r.wantState(1, "a", "live of a")
	r.wantState(1, "b", "live of b")
	r.connect(2, connection{ads: true}, "c")
	if r.last[2].Version == sent.Version || r.last[2].Revision != sent.Revision {
		t.Errorf("bytes that were refused are sent again: %s", r.last[2].Version)
	}
}

func TestStreamLostWithSeveralAnswersOutstanding(t *testing.T) {
	all := names(3)
	r := proven(t, all...)
	r.connect(1, runsOther(all...), all...)
	lost := map[Version]bool{}
	for _, name := range all {
		lost[r.version(name)] = true
	}
	r.step(StreamClosed{Stream: 1})
	r.sent = nil
	r.connect(2, connection{ads: true, node: "edge-1"}, all...)
	for _, name := range all {
		if v := r.version(name); lost[v] {
			t.Errorf("%s: bytes that may have been refused are sent again: %s", name, v)
		}
	}
	if len(r.sent) != 3 {
		t.Errorf("sent %v", r.sent)
	}
}

func TestASlowEnvoyIsNotFlaggedWhileItAnswers(t *testing.T) {
	r := proven(t, "a", "b", "c")
	r.connect(1, runsOther("a", "b", "c"), "a", "b", "c")
	lost := r.version("b")
	r.pass(20 * time.Second)
	r.ack(1)
	r.pass(20 * time.Second)
	r.wantState(1, "b", "pending ?0123456789ab")
	r.pass(10 * time.Second)
	r.wantState(1, "b", "pending ?0123456789ab "+CodeNoAnswer)
	r.wantState(1, "c", "pending ?0123456789ab "+CodeNoAnswer)
	r.connect(2, connection{ads: true}, "b")
	if r.version("b") == lost {
		t.Error("bytes that may have been refused are sent again")
	}
	r.sent = nil
	r.ack(1)
	r.ack(1)
	r.want()
	r.wantState(1, "c", "live of c")
}

func TestANameThatIsAskedForAgainWaitsForItsAnswer(t *testing.T) {
	r := proven(t, "a", "b")
	r.connect(1, runsOther("a", "b"), "a", "b")
	r.sent = nil
	r.step(Requested{Stream: 1, Unsubscribe: []string{"a"}, Subscribe: []Subscription{{Name: "a"}}})
	r.want()
	r.ack(1)
	r.want("1 a of a inline")
}

func TestManyThatConnectAtOnceEachTrySomethingElse(t *testing.T) {
	r := newRig(t)
	for _, name := range []string{"a", "b", "c"} {
		r.edit(name, "of "+name, by(spec.Inline), canary(spec.Canary{}))
	}
	for id := range StreamID(4) {
		r.connect(id+1, connection{ads: true}, "a", "b", "c")
	}
	r.want("1 a of a inline", "2 b of b inline", "3 c of c inline", "4 a of a inline")
	r.ack(3)
	r.want("3 a of a inline") // nothing else is left
	r.ack(1)
	r.want("1 c of c inline")
	r.ack(2)
	r.want("2 c of c inline", "2 & a of a inline") // all revisions are known to load now
	r.ack(1)
	r.want("1 b of b inline")
}

// A SotW client is told that more responses follow if they do at once and are known to load.
func TestMoreFollow(t *testing.T) {
	all := names(150)
	r := proven(t, all...)
	more := func(id StreamID, others int, want bool) {
		t.Helper()
		if got := r.last[id]; got.More != want || len(got.Others) != others {
			t.Fatalf("%s and %d others: more follow: %v", got.Name, len(got.Others), got.More)
		}
	}
	r.connect(1, connection{ads: true, sotw: true}, all...)
	more(1, 63, true)
	r.ack(1)
	more(1, 63, true)
	r.ack(1)
	more(1, 21, false)
	r.ack(1)

	// The responses to follow are not wanted any more: a running resource is sent once more.
	r.connect(2, connection{ads: true, sotw: true}, all[:65]...)
	more(2, 63, true)
	first := r.last[2]
	r.sent = nil
	r.step(Requested{Stream: 2, Unsubscribe: all[64:]})
	r.ack(2)
	r.want("2 filter-000 of filter-000 inline")
	if again := r.last[2]; again.More || again.Version != first.Version {
		t.Errorf("sent %+v, not %+v without more", again, first)
	}
	r.ack(2)
	r.want()
	r.wantState(2, "filter-000", "live of filter-000")
}
