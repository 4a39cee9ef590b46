package envoyfacts

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// A filter removed by delta answers every request with 500.
func TestDeltaRemovalIs500(t *testing.T) {
	on(t, both, func(t *testing.T, version string) {
		e, st := warm(t, setup{version: version})
		if r := st.remove(filterType, "auth"); r.nackedYet {
			t.Fatalf("Envoy refuses the removal: %s", r.nack)
		}
		e.wantStatus("auth", http.StatusInternalServerError)
		st.ack(filter{version: "2", module: good("v2")}.resource(t))
		e.wantStamp("auth", "v2")
	})
}

// If the filter has a default_config, the default replaces a removed filter.
func TestDeltaRemovalWithDefault(t *testing.T) {
	on(t, newest, func(t *testing.T, version string) {
		e, st := warm(t, setup{version: version, change: func(b *harness.Bootstrap) {
			module := filepath.Join(t.TempDir(), "default.wasm")
			if err := os.WriteFile(module, good("default"), 0o600); err != nil {
				t.Fatal(err)
			}
			b.HTTP[0].Filters[0].Default = fmt.Sprintf(
				`{"@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm, config: {vm_config: {`+
					`runtime: envoy.wasm.runtime.v8, code: {local: {filename: %q}}}}}`, module)
		}})
		st.remove(filterType, "auth")
		e.wantStamp("auth", "default")
	})
}

// A name missing from a SotW response changes nothing.
func TestSotWIgnoresMissingNames(t *testing.T) {
	on(t, both, func(t *testing.T, version string) {
		e, st := warm(t, setup{version: version, mode: harness.ECDSSotW})
		st.ack()
		e.keepsStamp("auth", "v1")
	})
}

// The name does not exist. If removed_resources says so, delta keeps the listener closed for
// ever. Without a response, the listener opens with 500 after initial_fetch_timeout.
func TestRemovedResourcesKeepTheListenerClosed(t *testing.T) {
	on(t, both, func(t *testing.T, version string) {
		told := start(t, setup{version: version, http: []string{"auth"}, timeout: "0.3s"})
		st := told.xds.stream("auth")
		if r := st.remove(filterType, "auth"); r.nackedYet {
			t.Fatalf("Envoy refuses the removal: %s", r.nack)
		}
		// The second Envoy starts later and gets no response. Its listener's opening serves as
		// the clock.
		silent := start(t, setup{version: version, http: []string{"auth"}, timeout: "0.3s"})
		silent.wantStatus("auth", http.StatusInternalServerError)
		settled(told.EnvoyProcess)
		if harness.Listening(told.ports["auth"]) {
			t.Error("the listener has opened")
		}
		st.ack(filter{version: "1", module: good("v1")}.resource(t))
		told.wantStamp("auth", "v1")
	})
}

// Envoy ignores an empty SotW response. As without a response, the listener opens with 500 after
// initial_fetch_timeout.
func TestEmptySotWAnswer(t *testing.T) {
	on(t, newest, func(t *testing.T, version string) {
		e := start(t, setup{version: version, mode: harness.ECDSSotW, http: []string{"auth"}, timeout: "0.3s"})
		e.xds.stream("auth").ack()
		e.wantStatus("auth", http.StatusInternalServerError)
	})
}

// With initial_fetch_timeout 0s, the listener waits for the filter without end. A late filter
// opens the listener, and no request bypasses the filter.
func TestNoFetchTimeoutWaits(t *testing.T) {
	on(t, both, func(t *testing.T, version string) {
		e := start(t, setup{version: version, http: []string{"auth"}, timeout: "0s"})
		silent := start(t, setup{version: version, http: []string{"auth"}, timeout: "0.3s"})
		silent.wantStatus("auth", http.StatusInternalServerError)
		if harness.Listening(e.ports["auth"]) {
			t.Error("the listener has opened without its filter")
		}
		e.xds.stream("auth").ack(filter{version: "1", module: good("v1")}.resource(t))
		e.wantStamp("auth", "v1")
	})
}

// Inline code that arrives after initial_fetch_timeout takes the listener from 500 to the filter.
// No request bypasses the filter.
func TestLateInlineBoot(t *testing.T) {
	on(t, both, func(t *testing.T, version string) {
		e := start(t, setup{version: version, http: []string{"auth"}, timeout: "0.3s"})
		e.wantStatus("auth", http.StatusInternalServerError)
		load := harness.StartLoad(t, harness.LoadOptions{
			Address: harness.Loopback(e.ports["auth"]),
			Requests: []harness.Request{{Judge: func(a harness.Answer) harness.Verdict {
				if a.Status == http.StatusInternalServerError {
					return harness.OK
				}
				return harness.Served(a)
			}}},
		})
		load.WaitRequests(20)
		e.xds.stream("auth").ack(filter{version: "1", module: good("v1")}.resource(t))
		load.WaitStamp("v1")
		load.MustBeClean()
	})
}

// A local file named by its content works as well as inline code. Envoy does not notice a file
// that changes in place.
func TestFiles(t *testing.T) {
	on(t, both, func(t *testing.T, version string) {
		e, st := warm(t, setup{version: version})
		file := filepath.Join(t.TempDir(), "filter.wasm")
		write := func(module []byte) {
			if err := os.WriteFile(file, module, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write(good("v2"))
		st.ack(filter{version: "2", file: file}.resource(t))
		e.wantStamp("auth", "v2")
		write(good("v3"))
		st.ack(filter{version: "3", file: file}.resource(t))
		e.keepsStamp("auth", "v2")
		st.ack(filter{version: "4", file: file, salt: "/salt/1"}.resource(t))
		e.wantStamp("auth", "v3")
		write(refused("v4"))
		st.nack(filter{version: "5", file: file, salt: "/salt/2"}.resource(t))
		e.keepsStamp("auth", "v3")
	})
}
