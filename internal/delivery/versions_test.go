package delivery

import (
	"fmt"
	"testing"
	"time"
)

// Each connecting Envoy has a version. Versions seen long ago are forgotten with their verdicts,
// versions of connected Envoys are not.
func TestVersionsAreBounded(t *testing.T) {
	r := newRig(t)
	r.live("auth", "one", 1)
	v := r.version("auth").String()
	r.connect(2, connection{version: "1.36.4", accepted: map[string]string{"auth": v}}, "auth")
	for i := range 10 * versionLimit {
		r.pass(time.Second)
		id := StreamID(10 + i)
		r.connect(id, connection{version: fmt.Sprintf("9.%d.0", i), accepted: map[string]string{"auth": v}}, "auth")
		r.step(StreamClosed{Stream: id})
	}
	if len(r.m.versions) > versionLimit || len(r.m.verdicts) > versionLimit {
		t.Errorf("%d versions and %d verdicts are kept", len(r.m.versions), len(r.m.verdicts))
	}
	for _, envoy := range []string{"1.40.0", "1.36.4", fmt.Sprintf("9.%d.0", 10*versionLimit-1)} {
		if _, known := r.m.versions[envoy]; !known {
			t.Errorf("version %s is forgotten", envoy)
		}
	}
	r.wantState(1, "auth", "live one")
	if n := len(r.m.Memory().Verdicts); n > versionLimit {
		t.Errorf("%d verdicts are on the disk", n)
	}
}
