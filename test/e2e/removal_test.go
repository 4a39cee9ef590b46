package e2e_test

import (
	"os"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

// A filter's spec disappears and returns. Under every value of onRemove, no request gets a 500,
// in delta and in SotW.
func TestRemoval(t *testing.T) {
	t.Parallel()
	for _, tc := range []removal{
		{"keep", "", "", guarded, "v1"},
		{"passthrough", "onRemove: passthrough", "passthrough", passed, ""},
		{"deny", "onRemove: deny", "deny", denied(auth), ""},
	} {
		t.Run(tc.name, func(t *testing.T) { tc.run(t) })
	}
}

type removal struct {
	name    string
	spec    string
	variant string // of the stand-in after the removal; "": no stand-in
	left    judge  // expected answer after the removal
	stamp   string // expected stamp after the removal
}

func (r removal) run(t *testing.T) {
	s := newScenario(t)
	v1, v2 := authModule("v1"), authModule("v2")
	s.write(auth, v1, r.spec)
	s.cp.Start()
	pair := s.deltaAndSotW(v1, "v1")
	before := pair[0].FilterStats(auth)

	s.becomes(pair, guarded, r.left, r.stamp, func() {
		if err := os.Remove(s.file(auth + ".yaml")); err != nil {
			t.Fatal(err)
		}
		f := s.cp.WaitFilter(auth, func(f harness.FilterStatus) bool { return f.State == harness.Removed && r.served(f) })
		if f.Error.CodeOrNone() != "spec_removed" {
			t.Errorf("the status does not say that the spec is gone: %+v", f.Error)
		}
	})
	if d := harness.Diff(before, pair[0].FilterStats(auth)); r.variant == "" && len(d) > 0 {
		t.Errorf("a filter that is kept was sent again: %v", d)
	}
	if warned := strings.Contains(s.cp.Log(), "a closed filter is opened"); warned != (r.variant == "passthrough") {
		t.Errorf("the log warns of a filter that was opened: %v", warned)
	}

	// The effect of a removal survives a restart and applies to an Envoy that boots later.
	s.cp.Restart()
	late := s.envoy(proxyOptions{mode: harness.ADSSotW, node: "late"})
	waitAnswer(t, late.web[0], nil, func(a harness.Answer) bool {
		if r.left(a) != harness.OK {
			t.Fatalf("an Envoy that boots later answers %+v", a)
		}
		return true
	})
	late.Stop()

	s.becomes(pair, r.left, guarded, "v1", func() { s.swap(auth, v1, r.spec, 2) })
	s.swap(auth, v2, r.spec, 2)
	for _, l := range pair {
		l.live("v2")
	}
	for _, l := range pair {
		l.end()
	}
}

// served reports whether both Envoys run the filter or stand-in that the removal leaves.
func (r removal) served(f harness.FilterStatus) bool {
	if r.variant == "" {
		return f.LiveOn(2)
	}
	return variantLive(r.variant, 2)(f)
}

// A filter is disabled and enabled again.
func TestDisabledAndBack(t *testing.T) {
	s := newScenario(t)
	v1 := authModule("v1")
	s.write(auth, v1, "")
	s.cp.Start()
	pair := s.deltaAndSotW(v1, "v1")
	s.becomes(pair, guarded, passed, "", func() {
		s.write(auth, v1, "disabled: true")
		f := s.cp.WaitFilter(auth, variantLive("passthrough", 2))
		if !f.Disabled || f.State != harness.Active {
			t.Errorf("disabled is %v, the state %s", f.Disabled, f.State)
		}
	})
	s.becomes(pair, passed, guarded, "v1", func() { s.swap(auth, v1, "", 2) })
	for _, l := range pair {
		l.end()
	}
}

// A network filter is disabled, enabled and removed. The stand-ins are also network filters. An
// HTTP filter on the same stream stays untouched.
func TestNetworkFilterSwitchedAndRemoved(t *testing.T) {
	t.Parallel()
	for _, mode := range []harness.Mode{harness.ADSDelta, harness.ECDSSotW} {
		t.Run(string(mode), func(t *testing.T) {
			const gate, spec = "gate", "type: network\nonRemove: deny\n"
			s := newScenario(t)
			v1 := authModule("v1")
			n1, n2 := testfilter.Network{Stamp: "n1"}.Module(), testfilter.Network{Stamp: "n2"}.Module()
			s.write(auth, v1, "")
			s.write(gate, n1, spec)
			s.cp.Start()
			envoy := s.envoy(proxyOptions{mode: mode, raw: harness.Filters(gate)})
			s.cp.WaitLive(auth, v1, 1)
			s.cp.WaitLive(gate, n1, 1)
			l := s.load(envoy)
			l.live("v1")
			waitExchange(t, envoy.raw, "[n1]ping")
			s.write(gate, n1, spec+"disabled: true")
			s.cp.WaitFilter(gate, variantLive("passthrough", 1))
			waitExchange(t, envoy.raw, "ping")
			s.swap(gate, n2, spec, 1)
			waitExchange(t, envoy.raw, "[n2]ping")
			if err := os.Remove(s.file(gate + ".yaml")); err != nil {
				t.Fatal(err)
			}
			s.cp.WaitFilter(gate, variantLive("deny", 1))
			waitExchange(t, envoy.raw, "")
			s.swap(gate, n1, spec, 1)
			waitExchange(t, envoy.raw, "[n1]ping")
			l.end()
		})
	}
}
