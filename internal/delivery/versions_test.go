package delivery

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/verdict"
)

// Each connecting Envoy has a version. Versions seen long ago are forgotten with their verdicts,
// versions of connected Envoys are not.
func TestVersionsAreBounded(t *testing.T) {
	r := newRig(t)
	r.live("auth", "one", 1)
	v := r.version("auth").String()
	r.connect(2, connection{version: "1.36.4", accepted: map[string]string{"auth": v}}, "auth")
	for i := range 10 * verdict.VersionLimit {
		r.pass(time.Second)
		id := StreamID(10 + i)
		r.connect(id, connection{version: fmt.Sprintf("9.%d.0", i), accepted: map[string]string{"auth": v}}, "auth")
		r.step(StreamClosed{Stream: id})
	}
	if len(r.m.verdicts.Versions()) > verdict.VersionLimit || r.m.verdicts.Len() > verdict.VersionLimit {
		t.Errorf("%d versions and %d verdicts are kept", len(r.m.verdicts.Versions()), r.m.verdicts.Len())
	}
	for _, envoy := range []string{"1.40.0", "1.36.4", fmt.Sprintf("9.%d.0", 10*verdict.VersionLimit-1)} {
		if !slices.Contains(r.m.verdicts.Versions(), envoy) {
			t.Errorf("version %s is forgotten", envoy)
		}
	}
	r.wantState(1, "auth", "live one")
	if n := len(r.m.Memory().Verdicts); n > verdict.VersionLimit {
		t.Errorf("%d verdicts are on the disk", n)
	}
}
