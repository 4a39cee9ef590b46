package e2e_test

import (
	"net/http"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// An Envoy boots while clients hammer the port. The very first response passes through the
// filter.
func TestBoot(t *testing.T) {
	t.Parallel()
	eachVersionAndMode(t, func(t *testing.T, version string, mode harness.Mode) {
		s := newScenario(t)
		s.write(auth, authModule("v1"), "")
		s.cp.Start()
		envoy := s.envoy(proxyOptions{version: version, mode: mode})
		if first := waitOpen(t, envoy.web[0], authRequests()[0].Header); first.Stamp() != "v1" {
			t.Errorf("the first answer is %+v", first)
		}
		traffic := s.traffic(envoy.web[0])
		s.cp.WaitLive(auth, authModule("v1"), 1)
		traffic.live("v1")
		s.swap(auth, authModule("v2"), "", 1)
		traffic.live("v2")
		traffic.end()
		if traffic.load.Stamps()[""] > 0 {
			t.Errorf("answers without a stamp: %v", traffic.load.Stamps())
		}
	})
}

// An Envoy that gave up waiting for the control plane refuses everything until the control plane
// starts. No request bypasses the filter while the filter arrives late.
func TestBootBeforeTheControlPlane(t *testing.T) {
	t.Parallel()
	eachVersionAndMode(t, func(t *testing.T, version string, mode harness.Mode) {
		s := newScenario(t)
		s.write(auth, authModule("v1"), "")
		envoy := s.envoy(proxyOptions{version: version, mode: mode, fetchTimeout: "1s"})
		envoy.WaitReady()
		if n := envoy.FilterStats(auth)["init_fetch_timeout"]; n != 1 {
			t.Errorf("the listener opened, but not since it has waited long enough: %d", n)
		}
		traffic := s.traffic(envoy.web[0], refusedUntilServed()...)
		traffic.load.WaitRequests(50)
		if stamps := traffic.load.Stamps(); len(stamps) != 1 || stamps[""] == 0 {
			t.Errorf("answers with a stamp, before there is a filter: %v", stamps)
		}
		s.cp.Start()
		s.cp.WaitLive(auth, authModule("v1"), 1)
		traffic.live("v1")
		s.swap(auth, authModule("v2"), "", 1)
		traffic.live("v2")
		traffic.end()
	})
}

// refusedUntilServed returns the requests of auth. Envoy refuses them as long as the filter is
// missing.
func refusedUntilServed() []harness.Request {
	requests := authRequests()
	for i, r := range requests {
		judge := r.Judge
		if judge == nil {
			judge = harness.Served
		}
		requests[i].Judge = func(a harness.Answer) harness.Verdict {
			if a.Status == http.StatusInternalServerError && a.Stamp() == "" {
				return harness.OK
			}
			return judge(a)
		}
	}
	return requests
}

// waitOpen waits until a listener answers, and returns the first answer.
func waitOpen(t *testing.T, address string, header map[string]string) harness.Answer {
	t.Helper()
	var first harness.Answer
	if !harness.Poll(t.Context(), func() bool {
		var err error
		first, err = harness.TryGet(address, header)
		return err == nil
	}) {
		t.Fatalf("nothing answers at %s", address)
	}
	return first
}
