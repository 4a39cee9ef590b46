package delivery

import (
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func selected(ids ...string) option {
	return canary(spec.Canary{Selector: &spec.NodeSelector{IDs: ids}})
}

func TestCanarySelectorThatMatchesNobody(t *testing.T) {
	held := func(t *testing.T) *rig {
		t.Helper()
		r := twoVersions(t)
		r.edit("auth", "two!", by(spec.Inline), selected("none"))
		r.pass(time.Hour)
		r.want()
		r.wantWaits("auth", "no_canary_matches")
		return r
	}
	promote := func(r *rig) { r.step(Promoted{Name: "auth", Revision: r.filters["auth"].Revision.ID}) }
	t.Run("promoted", func(t *testing.T) {
		r := held(t)
		promote(r)
		r.want("1 auth two! inline", "2 auth two! inline") // one Envoy of each version still comes first
		r.ack(1)
		r.restart()
		r.publish()
		r.connect(13, connection{node: "edge-3"}, "auth")
		r.ack(13)
		r.want("13 auth one inline", "13 auth two! inline") // the promotion was before the restart
	})
	t.Run("the policy is edited", func(t *testing.T) {
		r := held(t)
		r.edit("auth", "two!", by(spec.Inline), selected("edge-3"))
		r.want("2 auth two! inline", "3 auth two! inline")
	})
	t.Run("one comes that it names", func(t *testing.T) {
		r := held(t)
		r.connect(5, connection{node: "none"}, "auth")
		r.want("2 auth two! inline", "5 auth one inline")
		r.ack(5)
		r.want("5 auth two! inline")
	})
	t.Run("the next revision is held again", func(t *testing.T) {
		r := held(t)
		promote(r)
		r.edit("auth", "three", by(spec.Inline), selected("none"))
		r.sent = nil
		r.ack(1)
		r.wantWaits("auth", "no_canary_matches")
	})
	t.Run("all run it already", func(t *testing.T) {
		r := held(t)
		version := Version{Revision: r.filters["auth"].Revision.ID, Variant: Inline, Salt: salt(1, 1)}.String()
		for id := range StreamID(4) {
			r.step(StreamClosed{Stream: 1 + id})
		}
		r.connect(11, connection{accepted: map[string]string{"auth": version}}, "auth")
		r.wantWaits("auth")
		r.wantState(11, "auth", "live two!")
	})
	t.Run("a new filter", func(t *testing.T) {
		r := newRig(t)
		r.edit("auth", "one", selected("none"))
		r.connect(1, connection{}, "auth")
		r.pass(2 * time.Second)
		r.want("1 auth deny/http inline")
		r.wantWaits("auth", "no_canary_matches")
		promote(r)
		r.want()
		r.ack(1)
		r.want("1 auth one remote")
	})
}

// A promotion by hand does not wait for a slow canary.
func TestPromoteWithoutASlowCanary(t *testing.T) {
	r := newRig(t)
	r.live("auth", "one", 1, 2, 3)
	r.edit("auth", "two!", by(spec.Inline))
	r.pass(5 * time.Second)
	r.want("1 auth two! inline")
	r.step(Promoted{Name: "auth", Revision: r.filters["auth"].Revision.ID})
	r.want("2 auth two! inline")
	r.ack(2)
	r.want("3 auth two! inline")
	r.wantState(1, "auth", "pending one")
}

func TestRetry(t *testing.T) {
	r := twoVersions(t)
	r.edit("auth", "two!", by(spec.Inline))
	r.want("1 auth two! inline", "2 auth two! inline")
	refused := r.last[1].Version
	r.nack(1, unable)
	r.want("1 auth one inline")
	r.ack(1)
	r.ack(2)
	r.want("2 auth one inline")
	r.ack(2)
	id := r.filters["auth"].Revision.ID
	if !r.m.IsRefused("auth", id) || r.problem("auth") != CodeRejected {
		t.Fatal("it is not refused")
	}
	r.restart() // the verdict is remembered
	r.publish()
	r.connect(11, connection{node: "edge-1"}, "auth")
	r.connect(13, connection{node: "edge-3"}, "auth")
	r.ack(11)
	r.ack(13)
	r.want("11 auth one inline", "13 auth one inline")
	r.step(Retried{Name: "auth", Revision: id})
	r.want("11 auth two! inline") // the canary first
	if again := r.last[11].Version; again.Salt == refused.Salt {
		t.Errorf("%s is sent again, whose bytes were refused", again)
	}
	if r.m.IsRefused("auth", id) || r.problem("auth") != "" {
		t.Error("it is refused still")
	}
	r.ack(11)
	r.want("13 auth two! inline")
}

// A retry after a lost canary, and after an Envoy's refusal of the stable revision.
func TestRetryOfWhatIsNoVerdict(t *testing.T) {
	r := newRig(t)
	r.live("auth", "one", 1, 2)
	id := r.filters["auth"].Revision.ID
	r.connect(3, connection{}, "auth")
	r.want("3 auth one inline")
	r.nack(3, unable)
	r.want("3 auth deny/http inline")
	r.ack(3)
	r.step(Retried{Name: "auth", Revision: id})
	r.want("3 auth one remote")
	r.fetched(3, true)
	r.nack(3, "not cached")
	r.sent = nil

	one := newRig(t)
	one.live("auth", "one", 1)
	one.edit("auth", "crash", by(spec.Inline))
	one.step(StreamClosed{Stream: 1})
	for id := range StreamID(2) {
		one.connect(10+id, connection{node: "edge-1"}, "auth")
		one.ack(10 + id)
		one.step(StreamClosed{Stream: 10 + id})
	}
	if p := one.problem("auth"); p != CodeCanaryLost {
		t.Fatalf("the problem is %q", p)
	}
	one.connect(20, connection{node: "edge-1"}, "auth")
	one.ack(20)
	one.sent = nil
	one.step(Retried{Name: "auth", Revision: one.filters["auth"].Revision.ID})
	one.want("20 auth crash inline")
}
