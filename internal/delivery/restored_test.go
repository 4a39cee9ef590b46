package delivery

import (
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func TestWhatCouldNotBeReadIsTriedAgainWhenItIsRestored(t *testing.T) {
	r := newRig(t)
	r.live("auth", "one", 1)
	r.edit("auth", "two!", by(spec.Inline))
	r.want("1 auth two! inline")
	r.unreadable(1)
	// Nothing was sent: Envoy runs the former revision, and only a module helps.
	r.wantState(1, "auth", "rejected one "+CodeModuleUnreadable)
	r.sent = nil
	r.publish()
	r.want()
	r.step(ModulesRestored{})
	r.want("1 auth two! inline")
	r.ack(1)
	r.wantState(1, "auth", "live two!")
	r.step(ModulesRestored{})
	r.want()
}

func TestWhatCouldNotBeReadAtTheBootIsSentWhenItIsRestored(t *testing.T) {
	r := newRig(t)
	r.edit("auth", "one")
	r.connect(1, connection{}, "auth")
	r.want("1 auth one inline")
	r.unreadable(1)
	r.want("1 auth deny/http inline")
	r.ack(1)
	r.step(ModulesRestored{})
	r.want("1 auth one remote") // a revision runs there now
	r.ack(1)
	r.wantState(1, "auth", "live one")
}

// A refused revision stays refused after another fetch of the module.
func TestWhatWasRefusedStaysRefusedWhenModulesAreRestored(t *testing.T) {
	r := newRig(t)
	r.live("auth", "one", 1, 2)
	r.edit("auth", "bad!!", by(spec.Inline))
	r.want("1 auth bad!! inline")
	r.nack(1, unable)
	r.want("1 auth one inline")
	r.ack(1)
	r.step(ModulesRestored{})
	r.want()
	r.wantState(1, "auth", "rejected one "+CodeRejected)
}

// A stable revision that could not be read for the only Envoy of a version is tried there when it
// is restored: that Envoy becomes the canary of its version.
func TestWhatCouldNotBeReadForAVersionIsTriedWhenItIsRestored(t *testing.T) {
	r := newRig(t)
	r.edit("auth", "one", by(spec.Inline), canary(spec.Canary{}))
	r.connect(1, connection{version: older}, "auth")
	r.unreadable(1)
	r.want("1 auth one inline", "1 auth deny/http inline")
	r.ack(1)
	r.pass(time.Minute)
	r.step(Promoted{Name: "auth", Revision: r.filters["auth"].Revision.ID})
	r.connect(2, connection{}, "auth")
	r.want("2 auth one inline")
	r.ack(2)
	r.step(ModulesRestored{})
	r.want("1 auth one inline")
	r.ack(1)
	r.wantState(1, "auth", "live one")
}
