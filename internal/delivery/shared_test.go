package delivery

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// both are the protocols, each with shared responses.
func both() map[string]connection {
	return map[string]connection{"delta": {ads: true}, "SotW": {ads: true, sotw: true}}
}

func TestWhatIsSettledSharesAResponse(t *testing.T) {
	for name, c := range both() {
		t.Run(name, func(t *testing.T) {
			all := names(100)
			r := proven(t, all...)
			r.connect(1, c, all...)
			if n := len(r.last[1].Others); n != 63 || len(r.sent) != 64 {
				t.Fatalf("the first response has %d others", n)
			}
			r.ack(1)
			if n := len(r.last[1].Others); n != 35 || len(r.sent) != 100 {
				t.Fatalf("the second response has %d others", n)
			}
			r.ack(1)
			for _, name := range all {
				r.wantState(1, name, "live of "+name)
			}
		})
	}
}

// A booting Envoy asks for a filter after the other: the first goes out at once, and the filters
// asked for meanwhile share the next response.
func TestWhatIsAskedForMeanwhileGoesTogether(t *testing.T) {
	for name, c := range both() {
		t.Run(name, func(t *testing.T) {
			all := names(10)
			r := proven(t, all...)
			r.connect(1, c, all[0])
			for _, name := range all[1:] {
				r.step(Requested{Stream: 1, Subscribe: []Subscription{{Name: name}}})
			}
			r.want("1 filter-000 of filter-000 inline")
			r.step(Requested{Stream: 1, Unsubscribe: all[8:9]})
			r.ack(1)
			if got := r.last[1]; got.Name != all[1] || len(got.Others) != 7 {
				t.Errorf("%s and %d others", got.Name, len(got.Others))
			}
			r.ack(1)
			r.wantState(1, all[9], "live of "+all[9])
			// A subscriber that runs a revision neither waits for the response nor delays the
			// response.
			r.step(Requested{Stream: 1, Subscribe: []Subscription{{Name: all[8]}}})
			r.sent = nil
			r.edit(all[3], "new", by(spec.Inline), canary(spec.Canary{}))
			if !c.sotw {
				r.ack(9)
				r.want("9 filter-003 new inline", "1 filter-003 new inline")
			}
		})
	}
}

// A SotW client does not load accepted versions again: all are sent again at once, remote code too.
func TestWhatIsReplayedSharesOneResponse(t *testing.T) {
	all := names(200)
	r := proven(t, all...)
	r.edit(all[7], "of "+all[7], by(spec.Remote))
	c := connection{ads: true, sotw: true, accepted: map[string]string{}}
	for _, name := range all {
		c.accepted[name] = r.version(name).String()
	}
	remote := Version{Revision: r.version(all[7]).Revision, Variant: Remote, Salt: "0000000900000001"}
	c.accepted[all[7]] = remote.String()
	r.connect(1, c, all...)
	if got := r.last[1]; len(got.Others) != 199 || got.More {
		t.Fatalf("the response has %d others, more: %v", len(got.Others), got.More)
	}
	for _, one := range r.last[1].Others {
		if got := one.Version.String(); got != c.accepted[one.Name] {
			t.Errorf("%s is sent as %s, not as %s", one.Name, got, c.accepted[one.Name])
		}
	}
	r.sent = nil
	r.ack(1)
	r.want()
	r.wantState(1, all[7], "live of "+all[7])
}

// After a partly refused response, a delta client names the former version of a running filter.
func TestWhoRunsSomethingSharesNothingInDelta(t *testing.T) {
	r := proven(t, "a", "b", "c")
	c := runsOther("a", "b")
	r.connect(1, c, "a", "b", "c")
	r.want("1 c of c inline", "1 a of a inline", "1 b of b inline")
	c.sotw = true
	r.connect(2, c, "a", "b", "c")
	r.want("2 c of c inline") // subscribers that run nothing come first, alone: the rest is less urgent
	r.ack(2)
	r.want("2 a of a inline", "2 & b of b inline")
}

// A doubtful push is alone.
func TestWhatIsNotSettledIsAlone(t *testing.T) {
	r := proven(t, "a", "b", "c", "d")
	r.edit("c", "of c", by(spec.File))
	r.edit("d", "of d", disabled)
	r.edit("e", "new e", by(spec.Inline))
	c := connection{ads: true, sotw: true}
	r.connect(1, c, "a", "b", "c", "d", "e", "ghost")
	var responses []string
	for len(r.waiting[1]) > 0 {
		responses = append(responses, fmt.Sprintf("%s+%d", r.last[1].Name, len(r.last[1].Others)))
		r.ack(1)
	}
	want := []string{"a+2", "d+0", "ghost+0", "e+0"} // c runs nothing, and goes inline
	if !slices.Equal(responses, want) {
		t.Errorf("responses %v, not %v", responses, want)
	}
	// A file goes alone until the Envoy has read a file.
	r.sent = nil
	r.edit("a", "2nd a", by(spec.File))
	r.edit("b", "2nd b", by(spec.File))
	for len(r.waiting[9])+len(r.waiting[1]) > 0 {
		for _, id := range []StreamID{1, 9} {
			if len(r.waiting[id]) > 0 {
				r.ack(id)
			}
		}
	}
	r.sent = nil
	c.accepted = runsOther("a", "b").accepted
	r.connect(3, c, "a", "b", "c")
	r.want("3 c of c inline")
	r.ack(3)
	r.want("3 a 2nd a file")
	r.ack(3)
	r.want("3 b 2nd b file")
	c.accepted["a"] = "0123456789ab.f0000000900000001"
	r.connect(4, c, "a", "b")
	r.want("4 a 2nd a file", "4 & b 2nd b file")
}

// The NACK of a shared response is a verdict on none of the resources.
func TestARefusedResponseOfSeveral(t *testing.T) {
	for name, c := range both() {
		t.Run(name, func(t *testing.T) {
			r := proven(t, "a", "b", "c")
			r.connect(1, c, "a", "b", "c")
			r.want("1 a of a inline", "1 & b of b inline", "1 & c of c inline")
			refused := map[string]Version{"a": r.version("a"), "b": r.version("b"), "c": r.version("c")}
			r.nack(1, unable+" b")
			// Each is sent again alone, whatever the message says, and b is refused again.
			r.want("1 a of a inline")
			r.ack(1)
			r.want("1 b of b inline")
			r.nack(1, unable+" b")
			r.want("1 c of c inline")
			r.ack(1)
			r.want("1 b deny/http inline")
			r.ack(1)
			for name, version := range refused {
				if name != "b" && r.version(name) == version {
					t.Errorf("%s: bytes that may have been refused are sent again", name)
				}
			}
			r.wantState(1, "a", "live of a")
			r.wantState(1, "b", "rejected deny/http "+CodeRejected)
			r.wantState(1, "c", "live of c")
			// The refusal concerns only this Envoy, which gets no shared response any more.
			r.wantState(9, "b", "live of b")
			for _, more := range []string{"d", "e"} {
				r.edit(more, "of "+more, by(spec.Inline))
			}
			r.step(Requested{Stream: 9, Subscribe: []Subscription{{Name: "d"}, {Name: "e"}}})
			r.ack(9)
			r.ack(9)
			r.sent = nil
			r.step(Requested{Stream: 1, Subscribe: []Subscription{{Name: "d"}, {Name: "e"}}})
			r.want("1 d of d inline")
			r.ack(1)
			r.want("1 e of e inline")
			// Another Envoy does.
			r.connect(2, c, "a", "b", "c")
			r.want("2 a of a inline", "2 & b of b inline", "2 & c of c inline")
		})
	}
}

// The report of the refusal leaves out the secrets of all configurations in the response.
func TestWhatIsToldOfARefusedResponseOfSeveral(t *testing.T) {
	r := proven(t, "a", "b")
	secret := "hunter2" + strings.Repeat("x", messageLimit)
	r.filters["b"].Revision.Config = &secret
	r.connect(1, connection{ads: true}, "a", "b")
	var told []WasRefused
	for _, a := range r.m.Step(r.now, Requested{Stream: 1, Answer: &Answer{Name: "a", Nack: true, Message: "bad: " + secret}}) {
		if a, ok := a.(WasRefused); ok {
			told = append(told, a)
		}
	}
	if len(told) != 1 || told[0].Verdict || told[0].Others != 1 || told[0].Message != "bad: …" {
		t.Errorf("told %+v", told)
	}
}

// A replay in the response may have met no config: then nothing runs there, and code goes inline.
func TestARefusedReplay(t *testing.T) {
	r := proven(t, "a", "b")
	c := connection{ads: true, sotw: true, accepted: map[string]string{"a": r.version("a").String(), "b": r.version("b").String()}}
	r.edit("a", "of a", by(spec.Remote))
	r.edit("b", "of b", by(spec.Remote))
	r.sent = nil
	r.connect(1, c, "a", "b")
	r.want("1 a of a inline", "1 & b of b inline")
	r.nack(1, unable)
	r.want("1 a of a inline")
	r.ack(1)
	r.want("1 b of b inline")
	r.ack(1)
	r.want()
	r.wantState(1, "a", "live of a")
}

func TestAResponseOfSeveralIsLost(t *testing.T) {
	r := proven(t, "a", "b")
	r.connect(1, connection{ads: true}, "a", "b")
	lost := map[string]Version{"a": r.version("a"), "b": r.version("b")}
	r.step(StreamClosed{Stream: 1})
	r.sent = nil
	r.connect(2, connection{ads: true, node: "edge-1"}, "a", "b")
	r.want("2 a of a inline", "2 b of b inline") // each may hold refused bytes
	for name, version := range lost {
		if r.version(name) == version {
			t.Errorf("%s: bytes that may have been refused are sent again", name)
		}
	}
}

func TestAResponseOfSeveralIsLate(t *testing.T) {
	r := proven(t, "a", "b")
	r.connect(1, connection{ads: true}, "a", "b")
	late := r.version("b")
	r.pass(31 * time.Second)
	r.wantState(1, "a", "pending "+CodeNoAnswer)
	r.wantState(1, "b", "pending "+CodeNoAnswer)
	r.connect(2, connection{ads: true}, "a", "b")
	if r.version("b") == late {
		t.Error("bytes that may have been refused are sent again")
	}
	r.ack(1)
	r.wantState(1, "a", "live of a")
	r.wantState(1, "b", "live of b")
}

// A resource in a shared response cannot be made: the rest is still a response.
func TestOneOfSeveralCannotBeMade(t *testing.T) {
	r := proven(t, "a", "b", "c")
	r.connect(1, connection{ads: true}, "a", "b", "c")
	r.sent = nil
	r.step(BuildFailed{Stream: 1, Name: "a", Reason: "the module is damaged"})
	r.want("1 a deny/http inline")
	r.step(Requested{Stream: 1, Answer: &Answer{Name: "b"}})
	r.wantState(1, "b", "live of b")
	r.wantState(1, "c", "live of c")
}

// TestAllocationsPerSharedPush bounds the garbage of one more resource in a response.
func TestAllocationsPerSharedPush(t *testing.T) {
	const filters, most = 60, 0.1
	c := newCrowd(100, filters, spec.Canary{})
	var subscriptions []Subscription
	for _, f := range c.filters {
		subscriptions = append(subscriptions, Subscription{Name: f.Name})
	}
	id := StreamID(1000)
	connect := func(n int) func() {
		return func() {
			id++
			c.answer(c.m.Step(c.now, StreamOpened{Stream: id, Node: Node{ID: "one more", Version: "1.40.0"}, ADS: true, Delta: true}))
			c.answer(c.m.Step(c.now, Requested{Stream: id, Subscribe: subscriptions[:n]}))
			c.m.Step(c.now, StreamClosed{Stream: id})
		}
	}
	few, all := testing.AllocsPerRun(20, connect(1)), testing.AllocsPerRun(20, connect(filters))
	if each := (all - few) / (filters - 1); each > most {
		t.Errorf("%.2f allocations for one more in a response, at most %.2f", each, most)
	} else {
		t.Logf("%.2f allocations for one more in a response", each)
	}
}
