package envoyfacts

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Remote code that is not cached yet, on a listener that is warm: Envoy says
// that all is well, fetches nothing, and serves without the filter.
func TestRemoteOnWarmListenerBypasses(t *testing.T) {
	on(t, both, func(t *testing.T, version string) {
		e, st := warm(t, setup{version: version})
		e.wantReloads("auth", 1)
		before := e.FilterStats("auth")
		st.ack(filter{version: "2", module: good("v2"), remote: e.modules}.resource(t))
		e.wantStamp("auth", "")
		e.wantReloads("auth", 2)
		change := harness.Diff(before, e.FilterStats("auth"))
		if change["config_reload"] != 1 || change["update_success"] != 1 || change["config_fail"] != 0 {
			t.Errorf("counters: %v", change)
		}
		if n := e.modules.count(good("v2")); n != 0 {
			t.Errorf("%d GETs of the module", n)
		}
		// The same code again is thought to be on its way, and now fails closed.
		st.ack(filter{version: "3", module: good("v2"), remote: e.modules, nanos: 1}.resource(t))
		e.wantStatus("auth", http.StatusServiceUnavailable)
	})
}

// The same when the control plane answers after initial_fetch_timeout.
func TestRemoteAfterFetchTimeoutBypasses(t *testing.T) {
	on(t, newest, func(t *testing.T, version string) {
		e := start(t, setup{version: version, http: []string{"auth"}, timeout: "0.3s"})
		e.wantStatus("auth", http.StatusInternalServerError)
		e.xds.stream("auth").ack(filter{version: "1", module: good("v1"), remote: e.modules}.resource(t))
		e.wantStamp("auth", "")
	})
}

// nack_on_code_cache_miss: the first push is refused while the old plugin keeps
// serving and Envoy fetches; the second, in other bytes, is accepted and swaps.
func TestNackOnCodeCacheMiss(t *testing.T) {
	on(t, both, func(t *testing.T, version string) {
		e, st := warm(t, setup{version: version})
		v2 := filter{version: "2", module: good("v2"), remote: e.modules, nackMiss: true}
		if words := st.nack(v2.resource(t)); !strings.Contains(words, "Unable to create Wasm plugin auth") {
			t.Errorf("NACK: %s", words)
		}
		e.keepsStamp("auth", "v1")
		e.modules.waitGET(v2.module, 1)
		secondPush(t, e, st, v2)
		e.wantStamp("auth", "v2")
	})
}

// On an Envoy that runs nothing yet, the first refusal opens the listener with 500.
func TestNackOnCodeCacheMissAtBoot(t *testing.T) {
	on(t, both, func(t *testing.T, version string) {
		e := start(t, setup{version: version, http: []string{"auth"}, timeout: "0s"})
		st := e.xds.stream("auth")
		v1 := filter{version: "1", module: good("v1"), remote: e.modules, nackMiss: true}
		st.nack(v1.resource(t))
		e.wantStatus("auth", http.StatusInternalServerError)
		e.modules.waitGET(v1.module, 1)
		secondPush(t, e, st, v1)
		e.wantStamp("auth", "v1")
	})
}

// secondPush pushes until Envoy has digested the code that it fetched: it may
// still be busy right after the module server's last byte, and then fetches again.
func secondPush(t *testing.T, e *edge, st *stream, f filter) {
	t.Helper()
	accepted := harness.Poll(t.Context(), func() bool {
		f.nanos++
		f.version += "+"
		return !st.verdict(st.say(filterType, f.resource(t))).nackedYet
	})
	if !accepted {
		t.Fatalf("Envoy does not take the module that it has fetched, after %d GETs", e.modules.count(f.module))
	}
}

// With Connection: close in the answer, Envoy closes when the code is in its cache, and not
// before: a second push right after that is never too early, however large the module. Envoy's
// connection pool closes after it has handed the last byte to the fetch, which hashes and caches
// the code within that call.
func TestEnvoyClosesWhenTheCodeIsCached(t *testing.T) {
	on(t, every, func(t *testing.T, version string) {
		e, st := warm(t, setup{version: version})
		taken := e.modules.askToClose()
		for _, size := range []struct{ pad, times int }{{0, 60}, {200_000, 12}, {2_000_000, 5}, {20_000_000, 3}} {
			for i := range size.times {
				stamp := fmt.Sprintf("%d-%d", size.pad, i)
				f := filter{
					version: stamp, remote: e.modules, nackMiss: true,
					module: testfilter.HTTP{Stamp: stamp, Pad: size.pad}.Module(),
				}
				first := st.say(filterType, f.resource(t))
				select {
				case <-taken:
				case <-t.Context().Done():
					t.Fatal("Envoy leaves the connection open")
				}
				// At once, and not only when the test has heard of the first one's refusal.
				f.version, f.nanos = stamp+"+", 1
				second := st.say(filterType, f.resource(t))
				if !st.verdict(first).nackedYet {
					t.Fatalf("Envoy takes %s, which it does not have", stamp)
				}
				if v := st.verdict(second); v.nackedYet {
					t.Fatalf("Envoy refuses %s right after it has closed: %s", stamp, v.nack)
				}
				if i == size.times-1 {
					e.wantStamp("auth", stamp)
				}
			}
		}
	})
}

// A module that was fetched and does not load: refused, and no further GET.
func TestNackWithoutGETMeansThatTheModuleDoesNotLoad(t *testing.T) {
	on(t, both, func(t *testing.T, version string) {
		e, st := warm(t, setup{version: version})
		bad := filter{version: "2", module: refused("v2"), remote: e.modules, nackMiss: true}
		st.nack(bad.resource(t))
		e.modules.waitGET(bad.module, 1)
		// Once the code is cached, refusals bring no GET any more.
		quiet := harness.Poll(t.Context(), func() bool {
			before := e.modules.count(bad.module)
			bad.nanos++
			bad.version += "+"
			st.nack(bad.resource(t))
			settled(e.EnvoyProcess)
			return e.modules.count(bad.module) == before && strings.Contains(e.Log(), "Failed to configure base Wasm plugin")
		})
		if !quiet {
			t.Errorf("Envoy fetches again and again: %d GETs", e.modules.count(bad.module))
		}
		e.keepsStamp("auth", "v1")
	})
}

// Inline code of a sha whose fetch is under way, or has failed, is accepted.
func TestInlineDuringAndAfterAFetch(t *testing.T) {
	on(t, newest, func(t *testing.T, version string) {
		e, st := warm(t, setup{version: version})
		release := e.modules.holdBack()
		v2 := filter{version: "2", module: good("v2"), remote: e.modules, nackMiss: true}
		st.nack(v2.resource(t))
		st.ack(filter{version: "3", module: good("v2")}.resource(t))
		e.wantStamp("auth", "v2")
		release()
	})
}

// Remote code is acknowledged before Envoy has any of it: without
// nack_on_code_cache_miss an ACK says nothing. A second filter of the same code
// finds the fetch in progress, and is counted as failed at first.
func TestACKOfRemoteCodeComesBeforeTheCode(t *testing.T) {
	on(t, both, func(t *testing.T, version string) {
		e := start(t, setup{version: version, http: []string{"one", "two"}})
		one, two := e.xds.stream("one"), e.xds.stream("two")
		release := e.modules.holdBack()
		one.ack(filter{name: "one", version: "1", module: good("v1"), remote: e.modules, vmID: "one"}.resource(t))
		two.ack(filter{name: "two", version: "1", module: good("v1"), remote: e.modules, vmID: "two"}.resource(t))
		e.WaitLog("createWasm: failed to load (in progress)")
		if n := e.modules.count(good("v1")); n != 0 {
			t.Errorf("%d GETs have finished", n)
		}
		release()
		e.wantStamp("one", "v1")
	})
}

// More than 32 MiB never load over remote, and do inline.
func TestRemoteBodyLimit(t *testing.T) {
	on(t, newest, func(t *testing.T, version string) {
		e, st := warm(t, setup{version: version})
		large := filter{
			version: "2", remote: e.modules, nackMiss: true,
			module: testfilter.HTTP{Stamp: "v2", Pad: 33 << 20}.Module(),
		}
		for range 2 {
			large.nanos++
			large.version += "+"
			before := e.Stat("wasm.remote_load_fetch_failures")
			st.nack(large.resource(t))
			e.WaitStat("wasm.remote_load_fetch_failures", before+1)
		}
		large.remote, large.version = nil, "3"
		st.ack(large.resource(t))
		e.wantStamp("auth", "v2")
	})
}

// Inline and remote code of the same bytes are one VM: no new one is made.
func TestInlineToRemoteMakesNoVM(t *testing.T) {
	on(t, both, func(t *testing.T, version string) {
		e, st := warm(t, setup{version: version})
		remote := filter{version: "2", module: good("v1"), remote: e.modules, nackMiss: true}
		st.nack(remote.resource(t))
		e.modules.waitGET(remote.module, 1)
		before := e.vms()
		secondPush(t, e, st, remote)
		e.wantStamp("auth", "v1")
		if n := e.vms() - before; n != 0 {
			t.Errorf("%d new VMs", n)
		}
	})
}

// Envoy compares sha256 sums as text, with lowercase ones of its own.
func TestUppercaseSHA256Fails(t *testing.T) {
	on(t, newest, func(t *testing.T, version string) {
		e := start(t, setup{version: version, http: []string{"auth"}})
		module := good("v1")
		e.xds.stream("auth").ack(filter{
			version: "1", module: module, remote: e.modules, sha: strings.ToUpper(harness.SHA256(module)),
		}.resource(t))
		e.wantStatus("auth", http.StatusServiceUnavailable)
	})
}
