package e2e_test

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

// isUnknown reports whether an Envoy gets the built-in deny for a name without a spec.
func isUnknown(f harness.FilterStatus) bool {
	return f.State == "unknown" && each(f, 1, func(s harness.Subscriber) bool {
		return s.State == "denied" && s.Variant == "deny" && s.Error.CodeOrNone() == "unknown_filter"
	})
}

// A name without a spec is denied with the reason, whatever the fetch timeout. The listener
// opens, no request bypasses the filter, and a later spec goes live.
func TestUnknownFilter(t *testing.T) {
	t.Parallel()
	for _, mode := range []harness.Mode{harness.ADSDelta, harness.ADSSotW, harness.ECDSDelta, harness.ECDSSotW} {
		for _, timeout := range []string{"0s", "15s"} {
			if timeout == "15s" && mode != harness.ADSDelta {
				continue
			}
			t.Run(string(mode)+"/"+timeout, func(t *testing.T) {
				const misspelt = "auht"
				s := newScenario(t)
				s.write(auth, authModule("other"), "")
				s.cp.Start()
				envoy := s.envoy(proxyOptions{
					mode: mode, fetchTimeout: timeout, web: [][]harness.Filter{harness.Filters(misspelt)},
				})
				f := s.cp.WaitFilter(misspelt, isUnknown)
				for _, e := range []*harness.APIError{f.Error, f.Here()[0].Error} {
					if e == nil || !strings.Contains(e.Hint, `"auth"`) {
						t.Errorf("the status does not name the nearest filter: %+v", e)
					}
				}
				l := s.load(envoy)
				l.judge(denied(misspelt))
				l.load.WaitRequests(50)
				v1, v2 := authModule("v1"), authModule("v2")
				s.becomes([]*loaded{l}, denied(misspelt), guarded, "v1", func() { s.swap(misspelt, v1, "", 1) })
				s.swap(misspelt, v2, "", 1)
				l.live("v2")
				l.end()
			})
		}
	}
}

// The network filter has no spec. The Envoy's HTTP listener, whose filter has a spec, opens with
// the filter and not with a 500.
func TestUnknownNetworkFilter(t *testing.T) {
	t.Parallel()
	for _, mode := range []harness.Mode{harness.ADSDelta, harness.ADSSotW, harness.ECDSDelta, harness.ECDSSotW} {
		t.Run(string(mode), func(t *testing.T) {
			const missing = "a-gate" // sorts before auth
			s := newScenario(t)
			v1 := authModule("v1")
			s.write(auth, v1, "")
			s.cp.Start()
			envoy := s.envoy(proxyOptions{mode: mode, raw: harness.Filters(missing)})
			waitAnswer(t, envoy.web[0], withToken(), func(a harness.Answer) bool {
				if guarded(a) != harness.OK {
					t.Errorf("the listener opens with %+v", a)
				}
				return true
			})
			s.cp.WaitLive(auth, v1, 1)
			l := s.load(envoy)
			l.live("v1")
			s.cp.WaitFilter(missing, isUnknown)
			if got := exchange(t, envoy.raw); got != "" {
				t.Errorf("a connection that is denied brings %q", got)
			}

			gate := testfilter.Network{Stamp: "n1"}.Module()
			s.write(missing, gate, "type: network")
			s.cp.WaitLive(missing, gate, 1)
			waitExchange(t, envoy.raw, "[n1]ping")
			l.end()
		})
	}
}

// exchange returns the echo server's bytes through Envoy until the connection closes, or "" if
// the connection closes at once.
func exchange(t *testing.T, address string) string {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(harness.Deadline)); err != nil {
		t.Fatal(err)
	}
	// Both calls may fail if a reset refuses the connection.
	_, _ = io.WriteString(conn, "ping")
	_ = conn.(*net.TCPConn).CloseWrite()
	got, _ := io.ReadAll(conn)
	return string(got)
}

// waitExchange waits until a connection returns the wanted bytes.
func waitExchange(t *testing.T, address, wanted string) {
	t.Helper()
	got := ""
	if !harness.Poll(t.Context(), func() bool {
		got = exchange(t, address)
		return got == wanted
	}) {
		t.Fatalf("a connection brings %q, not %q", got, wanted)
	}
}
