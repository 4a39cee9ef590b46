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

// A warm listener gets remote code that is not cached. Envoy sends an ACK, downloads nothing, and
// serves without the filter.
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
		// Envoy now assumes a download in progress for the same code, and fails closed.
		st.ack(filter{version: "3", module: good("v2"), remote: e.modules, nanos: 1}.resource(t))
		e.wantStatus("auth", http.StatusServiceUnavailable)
	})
}

// The same happens if the control plane answers after initial_fetch_timeout.
func TestRemoteAfterFetchTimeoutBypasses(t *testing.T) {
	on(t, newest, func(t *testing.T, version string) {
		e := start(t, setup{version: version, http: []string{"auth"}, timeout: "0.3s"})
		e.wantStatus("auth", http.StatusInternalServerError)
		e.xds.stream("auth").ack(filter{version: "1", module: good("v1"), remote: e.modules}.resource(t))
		e.wantStamp("auth", "")
	})
}

// With nack_on_code_cache_miss, Envoy refuses the first push, keeps the old plugin and downloads
// the code. Envoy accepts the second push, in other bytes, and swaps the plugin.
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

// On an Envoy without a running filter, the first refusal opens the listener with 500.
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

// secondPush pushes until Envoy has cached the downloaded code. Right after the module server's
// last byte, Envoy may still be busy, and then downloads again.
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

// If the response has Connection: close, Envoy closes the connection when the code is cached, and
// not before. A second push right after the close is never too early, whatever the module's size.
// Envoy's connection pool closes after the last byte has reached the fetcher, which hashes and
// caches the code in the same call.
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
				// The second push does not wait for the NACK of the first.
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

// The module was downloaded and does not load. Envoy refuses every push and sends no further GET.
func TestNackWithoutGETMeansThatTheModuleDoesNotLoad(t *testing.T) {
	on(t, both, func(t *testing.T, version string) {
		e, st := warm(t, setup{version: version})
		bad := filter{version: "2", module: refused("v2"), remote: e.modules, nackMiss: true}
		st.nack(bad.resource(t))
		e.modules.waitGET(bad.module, 1)
		// Once the code is cached, refusals cause no more GETs.
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

// Envoy accepts inline code while a download of the same sha256 is in progress or after the
// download has failed.
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

// Without nack_on_code_cache_miss, Envoy acknowledges remote code before the download, so the ACK
// has no meaning. A second filter with the same code finds the download in progress, and first
// counts as failed.
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

// Modules of more than 32 MiB never load as remote code, but load inline.
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

// Inline and remote code of the same bytes share a VM. Envoy creates no new VM.
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

// Envoy compares sha256 sums as text with sums in lower case.
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
