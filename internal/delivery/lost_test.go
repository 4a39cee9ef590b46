package delivery

import (
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// A canary that is lost while its rollout has stopped changes nothing: the stop stays when the
// version that refused the revision is gone, and no other Envoy gets the revision.
func TestLostWhileTheRolloutHasStopped(t *testing.T) {
	r := twoVersions(t)
	r.edit("auth", "two!", by(spec.Inline))
	r.want("1 auth two! inline", "2 auth two! inline")
	r.nack(2, unable)
	r.want("2 auth one inline")
	r.ack(2)
	r.step(StreamClosed{Stream: 1})
	r.step(StreamClosed{Stream: 2})
	r.step(StreamClosed{Stream: 4})
	r.pass(time.Hour)
	r.want()
	if p := r.problem("auth"); p != CodeRejected {
		t.Errorf("the problem is %q", p)
	}
	r.step(Retried{Name: "auth", Revision: r.filters["auth"].Revision.ID})
	r.want("3 auth two! inline")
}

// An Envoy that asks for a filter anew, and is lost before it has answered the push from before,
// may have crashed of that push: the other Envoys of its version wait.
func TestLostAfterAskingAnew(t *testing.T) {
	r := twoVersions(t)
	r.step(StreamClosed{Stream: 3})
	r.edit("auth", "two!", by(spec.Inline))
	r.want("1 auth two! inline", "2 auth two! inline")
	r.step(Requested{Stream: 1, Unsubscribe: []string{"auth"}, Subscribe: []Subscription{{Name: "auth"}}})
	r.step(StreamClosed{Stream: 1})
	r.want()
	r.connect(5, connection{}, "auth")
	r.want("5 auth one inline")
	r.ack(5)
	r.want()
	r.pass(30 * time.Second)
	r.want("4 auth two! inline", "5 auth two! inline") // 2 is silent
}
