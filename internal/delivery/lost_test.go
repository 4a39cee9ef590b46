package delivery

import (
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// A canary that is lost while its rollout has stopped is a suspect, too: the stop takes back no
// push. When the version that refused the revision is gone, no other Envoy gets the revision at
// once.
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
	r.want()
	r.wantWaits("auth", "edge-1 1.40.0 canary_lost 30")
	r.pass(30 * time.Second)
	r.want("3 auth two! inline")
}
