package e2e_test

import (
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

// paddedModule is an auth filter of a little more than so many bytes.
func paddedModule(stamp string, size int) []byte {
	return testfilter.HTTP{Stamp: stamp, RequireToken: true, Pad: size}.Module()
}

// Large modules go live without a request lost: what Envoy's fetcher takes by a
// GET, what it does not take inline.
func TestLargeModules(t *testing.T) {
	s := newScenario(t)
	v1 := authModule("v1")
	s.write(auth, v1, "")
	s.cp.Start()
	envoy := s.envoy(proxyOptions{})
	s.cp.WaitLive(auth, v1, 1)
	l := s.load(envoy)
	l.live("v1")
	for _, step := range []struct {
		stamp, variant string
		size           int
	}{
		{"20 MiB", "remote", 20 << 20},
		{"40 MiB", "inline", 40 << 20},
	} {
		now := s.swap(auth, paddedModule(step.stamp, step.size), "", 1)
		l.live(step.stamp)
		if got := now.Here()[0]; got.Variant != step.variant || got.Error != nil {
			t.Errorf("%s: went live as %s, with error %+v", step.stamp, got.Variant, got.Error)
		}
	}
	l.end()
}

// A module that takes a second from the module server to Envoy goes live as a
// remote one: the second push waits for its last byte.
func TestModuleOverSlowLink(t *testing.T) {
	t.Parallel()
	for _, mode := range []harness.Mode{harness.ADSDelta, harness.ECDSSotW} {
		t.Run(string(mode), func(t *testing.T) {
			s := newScenario(t)
			link := harness.StartLink(t, s.cp.ModulesAddress())
			link.SetRate(5_000_000)
			v1 := authModule("v1")
			s.write(auth, v1, "")
			s.cp.Start()
			envoy := s.envoy(proxyOptions{mode: mode, change: func(b *harness.Bootstrap) { b.ModulesAddress = link.Address() }})
			s.cp.WaitLive(auth, v1, 1)
			l := s.load(envoy)
			l.live("v1")
			for _, stamp := range []string{"v2", "v3"} {
				before := link.Passed()
				now := s.swap(auth, paddedModule(stamp, 5<<20), "", 1)
				l.live(stamp)
				if got := now.Here()[0]; got.Variant != "remote" || got.Error != nil {
					t.Errorf("%s: went live as %s, with error %+v", stamp, got.Variant, got.Error)
				}
				// The link holds the last bytes a little longer than the module server
				// knows: the second push may come too early, and brings another GET.
				if passed := link.Passed() - before; passed < 5<<20 || passed > 16<<20 {
					t.Errorf("%s: %d bytes came over the link, for a module of 5 MiB", stamp, passed)
				}
			}
			l.end()
		})
	}
}
