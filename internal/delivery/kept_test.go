package delivery

import (
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// forOlder adds a refusal by Envoys 1.40.
func forOlder(f *snapshot.Filter) {
	f.Revision.Refusals = []snapshot.Refusal{{Versions: []string{"1.40"}, Code: "import_missing"}}
}

// wentBack is a rig with an Envoy 2 of another version than Envoy 1. The stable revision does not
// load on Envoy 2, which keeps the aborted revision two! for want of another.
func wentBack(t *testing.T) *rig {
	t.Helper()
	r := newRig(t)
	r.edit("auth", "one", by(spec.Inline), forOlder)
	r.connect(1, connection{version: older}, "auth")
	r.ack(1)
	r.connect(2, connection{}, "auth")
	r.ack(2)
	r.edit("auth", "two!", by(spec.Inline), waves(spec.Rollout{Pause: true}))
	r.ack(1)
	r.ack(2)
	r.sent = nil
	r.step(Aborted{Name: "auth", Revision: r.filters["auth"].Revision.ID, By: "ann"})
	r.want("1 auth one inline")
	r.ack(1)
	r.wantState(2, "auth", "rejected two! import_missing")
	return r
}

// An Envoy that keeps a revision that went back gets it once more, in other bytes, when the Envoy
// has stored refused bytes. Otherwise the next update of the filter's listener would fail.
func TestRefusedBytesWhereTheRevisionWentBack(t *testing.T) {
	r := wentBack(t)
	kept := r.newest["auth"]
	r.edit("auth", "three", by(spec.Inline))
	r.want("1 auth three inline", "2 auth three inline")
	r.nack(2, unable)
	r.want("2 auth two! inline")
	again := r.last[2].Version
	if again.Salt == kept.Salt {
		t.Errorf("the bytes of %s are sent again", again)
	}
	accepted := connection{node: "edge-2", accepted: map[string]string{"auth": again.String()}}

	r.restart() // before the answer
	r.publish()
	r.connect(12, accepted, "auth")
	r.want("12 auth two! inline")
	r.ack(12)
	r.step(StreamClosed{Stream: 12})
	r.connect(13, accepted, "auth")
	r.pass(time.Hour)
	r.want() // nothing is left to replace
	r.wantState(13, "auth", "rejected two! import_missing")
}

// The module of a revision that went back is kept for the Envoys that keep the revision. No
// rollback offers it.
func TestHistoryOfARevisionThatWentBack(t *testing.T) {
	r := wentBack(t)
	r.edit("auth", "three", by(spec.Inline))
	for _, s := range r.m.History("auth") {
		if r.called(s.Revision.ID) != "two!" {
			continue
		}
		if s.Standing != Refused || s.Problem == nil || s.Problem.Code != CodeAborted {
			t.Errorf("its standing is %s: %+v", s.Standing, s.Problem)
		}
	}
	kept := false
	for _, rev := range r.m.Revisions() {
		kept = kept || r.called(rev.ID) == "two!"
	}
	if !kept {
		t.Error("the module is not kept")
	}
}

// A freeze before the end of a fetch leaves no refused bytes: the Envoy gets what it runs once
// more.
func TestRefusedBytesInAFreeze(t *testing.T) {
	r := newRig(t)
	r.edit("auth", "one", canary(spec.Canary{Count: 2}))
	r.connect(1, connection{}, "auth")
	r.connect(2, connection{}, "auth")
	r.ack(1) // Envoy 2 does not answer: there is no stable revision yet
	r.edit("auth", "two!")
	r.want("1 auth one inline", "2 auth one inline", "1 auth two! remote")
	r.nack(1, "not cached")
	r.step(Frozen{By: "ann"})
	r.want("1 auth one remote")
}

// An Envoy keeps a revision in the same way if the revision went back after its promotion.
func TestRefusedBytesWhereTheWatchedRevisionWentBack(t *testing.T) {
	r := newRig(t)
	r.edit("auth", "one", by(spec.Inline), forOlder)
	r.connect(1, connection{version: older}, "auth")
	r.ack(1)
	r.connect(2, connection{}, "auth")
	r.ack(2)
	r.edit("auth", "two!", by(spec.Inline), waves(spec.Rollout{Health: &spec.Health{After: time.Hour}}))
	r.ack(1)
	r.ack(2)
	accepted := connection{node: "edge-2", accepted: map[string]string{"auth": r.last[2].Version.String()}}
	id := r.filters["auth"].Revision.ID
	r.step(HealthLooked{Filter: "auth", Revision: id, Outcome: rollout.Good})
	r.sent = nil
	r.step(Aborted{Name: "auth", Revision: id, By: "ann"})
	r.want("1 auth one inline")
	r.ack(1)
	r.step(StreamClosed{Stream: 2})
	r.edit("auth", "three", by(spec.Inline))
	r.want("1 auth three inline")
	r.connect(12, accepted, "auth")
	r.want("12 auth three inline")
	r.nack(12, unable)
	r.want("12 auth two! inline")
}
