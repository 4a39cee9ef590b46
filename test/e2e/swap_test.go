package e2e_test

import (
	"fmt"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// Twenty new modules go live under load. No request is lost, and no request bypasses the filter.
func TestSwaps(t *testing.T) {
	t.Parallel()
	for _, delivery := range []string{"remote", "inline", "file"} {
		for _, version := range versions() {
			modes := []harness.Mode{harness.ADSDelta}
			if version == harness.DefaultVersion {
				modes = harness.Modes()
			}
			for _, mode := range modes {
				t.Run(fmt.Sprintf("%s/%s/%s", version, delivery, mode), func(t *testing.T) {
					swaps(t, version, delivery, mode)
				})
			}
		}
	}
}

func swaps(t *testing.T, version, delivery string, mode harness.Mode) {
	s := newScenario(t)
	spec := lines("delivery: " + delivery)
	s.write(auth, authModule("v0"), spec)
	s.cp.Start()
	envoy := s.envoy(proxyOptions{version: version, mode: mode})
	envoy.WaitReady()
	first := s.cp.WaitLive(auth, authModule("v0"), 1)
	traffic := s.traffic(envoy.web[0])
	traffic.live("v0")
	for i := 1; i <= 20; i++ {
		stamp := fmt.Sprintf("v%d", i)
		now := s.swap(auth, authModule(stamp), spec, 1)
		traffic.live(stamp)
		if got := now.Subscribers[0]; got.Variant != delivery || got.Error != nil {
			t.Fatalf("%s went live as %s, with error %+v", stamp, got.Variant, got.Error)
		}
	}
	traffic.end()
	if got := first.Subscribers[0]; got.Variant != "inline" {
		t.Errorf("an Envoy without anything got its first config as %s", got.Variant)
	}
}
