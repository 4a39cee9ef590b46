package envoyfacts

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	wasmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/wasm/v3"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

// After a NACK, Envoy acknowledges identical bytes without loading them.
func TestIdenticalBytesGetAFalseACK(t *testing.T) {
	on(t, both, func(t *testing.T, version string) {
		e, st := warm(t, setup{version: version})
		e.wantReloads("auth", 1)
		before := e.FilterStats("auth")
		st.nack(filter{version: "2", module: refused("v2")}.resource(t))
		e.wantReloads("auth", 2)
		change := harness.Diff(before, e.FilterStats("auth"))
		if change["config_fail"] != 1 || change["update_rejected"] != 1 || change["config_reload"] != 1 {
			t.Errorf("a refused update counts %v; config_reload rises too", change)
		}
		st.ack(filter{version: "3", module: refused("v2")}.resource(t))
		e.keepsStamp("auth", "v1")
		if dump := e.ConfigDump("ecds_filters"); !strings.Contains(dump, `"version_info": "2"`) {
			t.Errorf("config_dump does not show what Envoy has refused:\n%.600s", dump)
		}
	})
}

// If the control plane ends a stream with an error, Envoy opens the next stream on the same
// connection.
func TestAnEndedStreamKeepsItsConnection(t *testing.T) {
	on(t, both, func(t *testing.T, version string) {
		e, st := warm(t, setup{version: version, mode: harness.ADSDelta})
		for range 3 {
			st.end <- status.Error(codes.Unauthenticated, "the end")
			again := e.xds.stream("auth")
			if again.client != st.client {
				t.Errorf("the stream is on the connection %s, and was on %s", again.client, st.client)
			}
			st = again
		}
	})
}

// If only a salt differs, Envoy loads the resource again, and creates no new VM if the load
// succeeds.
func TestSalts(t *testing.T) {
	type salted func(f filter, n int) filter
	for name, salt := range map[string]salted{
		"watched_directory": func(f filter, n int) filter { f.salt = fmt.Sprintf("/salt/%d", n); return f },
		"timeout":           func(f filter, n int) filter { f.nanos = n; return f },
		"query":             func(f filter, n int) filter { f.query = fmt.Sprintf("?salt=%d", n); return f },
	} {
		t.Run(name, func(t *testing.T) {
			on(t, both, func(t *testing.T, version string) {
				e, st := warm(t, setup{version: version})
				bad, again := filter{module: refused("v2")}, filter{module: good("v1")}
				if name != "watched_directory" {
					for _, f := range []*filter{&bad, &again} {
						f.remote, f.nackMiss, f.version = e.modules, true, "fetch"
						st.nack(salt(*f, 1).resource(t))
						e.modules.waitGET(f.module, 1)
					}
					again.version = "cached"
					secondPush(t, e, st, again)
				}
				for n := 2; n < 5; n++ {
					bad.version, again.version = fmt.Sprint("bad", n), fmt.Sprint("good", n)
					st.nack(salt(bad, 1000+n).resource(t))
					st.nack(salt(bad, 2000+n).resource(t))
					before := e.vms()
					st.ack(salt(again, 1000+n).resource(t))
					st.ack(salt(again, 2000+n).resource(t))
					if made := e.vms() - before; made != 0 {
						t.Errorf("another salt makes %d VMs", made)
					}
				}
				e.wantStamp("auth", "v1")
			})
		})
	}
}

// On reconnect after a NACK, delta names the last accepted version, or the version of a false ACK
// in between.
func TestDeltaReconnectAfterNACK(t *testing.T) {
	for _, mode := range []harness.Mode{harness.ECDSDelta, harness.ADSDelta} {
		t.Run(string(mode), func(t *testing.T) {
			on(t, both, func(t *testing.T, version string) {
				e, st := warm(t, setup{version: version, mode: mode})
				st.nack(filter{version: "2", module: refused("v2")}.resource(t))
				st, stop := e.xds.reconnect(e.stopXDS, "auth")
				if got := st.first().initial["auth"]; got != "1" {
					t.Errorf("after a NACK Envoy names version %q, not the accepted 1", got)
				}
				// Envoy still stores the refused resource, so the same bytes are a no-op.
				st.ack(filter{version: "3", module: refused("v2")}.resource(t))
				st, _ = e.xds.reconnect(stop, "auth")
				if got := st.first().initial["auth"]; got != "3" {
					t.Errorf("after a false ACK Envoy names version %q, not 3", got)
				}
				e.keepsStamp("auth", "v1")
			})
		})
	}
}

// A filter that was refused and never accepted has no version on reconnect.
func TestDeltaReconnectWithNothingAccepted(t *testing.T) {
	on(t, both, func(t *testing.T, version string) {
		e := start(t, setup{version: version, http: []string{"auth"}})
		e.xds.stream("auth").nack(filter{version: "1", module: refused("v1")}.resource(t))
		st, _ := e.xds.reconnect(e.stopXDS, "auth")
		if got, ok := st.first().initial["auth"]; ok {
			t.Errorf("Envoy names version %q of a filter that it has refused", got)
		}
		e.wantStatus("auth", http.StatusInternalServerError)
	})
}

// On reconnect, SotW names the last accepted version_info. The same bytes cause no reload.
func TestSotWReconnect(t *testing.T) {
	for _, mode := range []harness.Mode{harness.ECDSSotW, harness.ADSSotW} {
		t.Run(string(mode), func(t *testing.T) {
			on(t, both, func(t *testing.T, version string) {
				e, _ := warm(t, setup{version: version, mode: mode})
				st, stop := e.xds.reconnect(e.stopXDS, "auth")
				if got := st.first().version; got != "1" {
					t.Errorf("on reconnect Envoy names version_info %q, not 1", got)
				}
				e.wantReloads("auth", 1)
				st.ack(filter{version: "1", module: good("v1")}.resource(t))
				st.nack(filter{version: "2", module: refused("v2")}.resource(t))
				e.wantReloads("auth", 2) // the refused resource counts, the repeated bytes do not
				st, _ = e.xds.reconnect(stop, "auth")
				if got := st.first().version; got != "1" {
					t.Errorf("after a NACK Envoy names version_info %q, not the accepted 1", got)
				}
			})
		})
	}
}

// The same bytes under a different version cause no reload.
func TestIdenticalBytesUnderAnotherVersion(t *testing.T) {
	on(t, both, func(t *testing.T, version string) {
		e, st := warm(t, setup{version: version})
		e.wantReloads("auth", 1)
		vms := e.vms()
		st.ack(filter{version: "2", module: good("v1")}.resource(t))
		if n := e.vms() - vms; n != 0 {
			t.Errorf("%d new VMs", n)
		}
		st.ack(filter{version: "3", module: good("v3")}.resource(t))
		e.wantReloads("auth", 2)
	})
}

// On SotW, pipelined responses cannot be told apart by their answers.
func TestSotWPipelinedAnswers(t *testing.T) {
	on(t, newest, func(t *testing.T, version string) {
		e, st := warm(t, setup{version: version, mode: harness.ECDSSotW})
		st.say(filterType, filter{version: "2", module: good("v2")}.resource(t))
		st.say(filterType, filter{version: "3", module: refused("v3")}.resource(t))
		last := st.verdict(st.say(filterType, filter{version: "4", module: good("v4")}.resource(t)))
		if last.nackedYet {
			t.Errorf("the last, good answer is refused: %s", last.nack)
		}
		e.wantStamp("auth", "v4")
	})
}

// On delta, Envoy answers pipelined responses separately, each under its own nonce.
func TestDeltaPipelinedAnswers(t *testing.T) {
	on(t, both, func(t *testing.T, version string) {
		names := []string{"a", "b", "c"}
		e := start(t, setup{version: version, mode: harness.ADSDelta, http: names})
		st := e.xds.stream("a")
		st.asked(names...)
		say := func(name, version string, module []byte) string {
			return st.say(filterType, filter{name: name, version: version, module: module}.resource(t))
		}
		judge := func(nonces []string, wanted ...bool) {
			t.Helper()
			for i, nonce := range nonces {
				if r := st.verdict(nonce); r.nackedYet == wanted[i] {
					t.Errorf("answer %d: refused %t (%s)", i, r.nackedYet, r.nack)
				}
			}
		}
		// The first line tests the boot, the second an update of running filters.
		judge([]string{say("a", "1", good("v1")), say("b", "1", good("v1")), say("c", "1", good("v1"))}, true, true, true)
		judge([]string{say("a", "2", good("v2")), say("b", "2", refused("v2")), say("c", "2", good("v2"))}, true, false, true)
		e.wantStamp("a", "v2")
		e.wantStamp("b", "v1")
		e.wantStamp("c", "v2")
		// Here all responses have the same name.
		judge([]string{say("a", "3", good("v3")), say("a", "4", refused("v4")), say("a", "5", good("v5"))}, true, false, true)
		e.wantStamp("a", "v5")
		again, _ := e.xds.reconnect(e.stopXDS, "a")
		if got := again.first().initial; got["a"] != "5" || got["b"] != "1" || got["c"] != "2" {
			t.Errorf("on reconnect Envoy names %v", got)
		}
	})
}

// In a response, a bad resource also prevents the resources after it.
func TestOneBadResourceSpoilsItsResponse(t *testing.T) {
	on(t, newest, func(t *testing.T, version string) {
		names := []string{"a", "b", "c"}
		e := start(t, setup{version: version, mode: harness.ADSSotW, http: names})
		st := e.xds.stream("a")
		st.asked(names...)
		st.nack(
			filter{name: "a", version: "1", module: good("v1")}.resource(t),
			filter{name: "b", version: "1", module: refused("v1")}.resource(t),
			filter{name: "c", version: "1", module: good("v1")}.resource(t),
		)
		// Envoy iterates over the subscriptions and not over the response. The number of good
		// filters applied before the bad filter is therefore not fixed.
		applied := 0
		for _, name := range []string{"a", "c"} {
			if a := e.get(name); a.Stamp() == "v1" {
				applied++
			} else if a.Status != http.StatusInternalServerError {
				t.Errorf("filter %s answers %d", name, a.Status)
			}
		}
		e.wantStatus("b", http.StatusInternalServerError)
		if applied != 1 {
			t.Errorf("%d of the 2 good filters are applied, not just the one before the bad", applied)
		}
	})
}

// On ADS, a NACK ends the warming of every filter on the stream. Filters on streams of their own
// are not affected.
func TestNACKEndsWarmingOnADS(t *testing.T) {
	for _, mode := range harness.Modes() {
		t.Run(string(mode), func(t *testing.T) {
			on(t, both, func(t *testing.T, version string) {
				// Envoy would wait for the filter "other" without end.
				e := start(t, setup{version: version, mode: mode, http: []string{"bad", "other"}, timeout: "0s"})
				st := e.xds.stream("bad")
				if mode.ADS() {
					st.asked("bad", "other")
				}
				st.nack(filter{name: "bad", version: "1", module: refused("v1")}.resource(t))
				if !mode.ADS() {
					settled(e.EnvoyProcess)
					if harness.Listening(e.ports["other"]) {
						t.Error("the other listener has opened, though its filter is on a stream of its own")
					}
					e.xds.stream("other").ack(filter{name: "other", version: "1", module: good("v1")}.resource(t))
					e.wantStamp("other", "v1")
					e.wantStatus("bad", http.StatusInternalServerError)
					return
				}
				e.wantStatus("bad", http.StatusInternalServerError)
				e.wantStatus("other", http.StatusInternalServerError)
				stats := e.FilterStats("other")
				if stats["config_fail"] != 1 || stats["update_rejected"] != 1 {
					t.Errorf("counters of the other filter: %v", stats)
				}
				st.ack(filter{name: "other", version: "1", module: good("v1")}.resource(t))
				e.wantStamp("other", "v1")
			})
		})
	}
}

// The test checks Envoy's error texts.
func TestNACKTexts(t *testing.T) {
	on(t, both, func(t *testing.T, version string) {
		e, st := warm(t, setup{version: version})
		v2 := filter{version: "2", module: good("v2")}
		network := v2
		network.network = true
		missing := v2
		missing.file = "/nowhere/at/all.wasm"
		stranger := v2.resource(t)
		stranger.message.(*corev3.TypedExtensionConfig).Name = "stranger"
		for what, c := range map[string]struct {
			resource resource
			words    []string
		}{
			"module":  {filter{version: "2", module: refused("v2")}.resource(t), []string{"Unable to create Wasm plugin auth"}},
			"garbage": {filter{version: "2", module: testfilter.Garbage("v2")}.resource(t), []string{"Unable to create Wasm plugin auth"}},
			"type":    {network.resource(t), []string{"filter config has type URL", "but expect", "envoy.extensions.filters.http.wasm.v3.Wasm"}},
			"path":    {missing.resource(t), []string{"Invalid path: /nowhere/at/all.wasm"}},
			"name":    {stranger, []string{"nexpected resource name"}},
		} {
			got := st.nack(c.resource)
			for _, words := range c.words {
				if !strings.Contains(got, words) {
					t.Errorf("%s: Envoy says %q, without %q", what, got, words)
				}
			}
		}
		e.keepsStamp("auth", "v1")
	})
}

// Envoy refuses a bad inline module and keeps the old plugin, whatever the policy.
func TestInlineIsAtomicUnderLoad(t *testing.T) {
	on(t, both, func(t *testing.T, version string) {
		e, st := warm(t, setup{version: version})
		load := harness.StartLoad(t, harness.LoadOptions{Address: harness.Loopback(e.ports["auth"])})
		for i, policy := range []wasmv3.FailurePolicy{
			wasmv3.FailurePolicy_FAIL_CLOSED, wasmv3.FailurePolicy_FAIL_OPEN, wasmv3.FailurePolicy_FAIL_RELOAD,
		} {
			stamp := fmt.Sprintf("v%d", i+2)
			st.nack(filter{version: "bad" + stamp, module: refused(stamp), policy: policy}.resource(t))
			st.nack(filter{version: "garbage" + stamp, module: testfilter.Garbage(stamp), policy: policy}.resource(t))
			st.nack(filter{
				version: "import" + stamp, policy: policy,
				module: testfilter.HTTP{Stamp: stamp, MissingImport: true}.Module(),
			}.resource(t))
			load.WaitRequests(20)
			st.ack(filter{version: stamp, module: good(stamp), policy: policy}.resource(t))
			load.WaitStamp(stamp)
		}
		load.MustBeClean()
	})
}
