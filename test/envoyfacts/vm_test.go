package envoyfacts

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	wasmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/wasm/v3"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/program"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

// The field for a filter's capabilities depends on the version. Envoy refuses an unknown field.
func TestCapabilityField(t *testing.T) {
	module := testfilter.HTTP{Stamp: "v2", EchoLog: true}.Module()
	// all functions of the module except proxy_log
	caps := &wasmv3.CapabilityRestrictionConfig{AllowedCapabilities: map[string]*wasmv3.SanitizationConfig{
		"proxy_get_header_map_value": {}, "proxy_add_header_map_value": {}, "proxy_send_local_response": {},
		"proxy_on_context_create": {}, "proxy_on_vm_start": {}, "proxy_on_configure": {},
		"proxy_on_request_headers": {}, "proxy_on_response_headers": {},
	}}
	on(t, []string{"1.36.4", "1.39.3"}, func(t *testing.T, version string) {
		e, st := warm(t, setup{version: version})
		words := st.nack(filter{version: "2", module: module, vmCaps: caps}.resource(t))
		if !strings.Contains(words, "unknown field") {
			t.Errorf("NACK: %s", words)
		}
		// Envoy compares resources without unknown fields. Without the field, the resource
		// therefore equals the refused resource, and the ACK is false.
		st.ack(filter{version: "3", module: module}.resource(t))
		e.keepsStamp("auth", "v1")
		st.ack(filter{version: "3+", module: module, salt: "/salt/1"}.resource(t))
		e.wantHeader("auth", testfilter.LogHeader, "ok")
		// Capabilities are not part of the VM key. They take effect only with a new vm_id.
		const before = 3 // refusals count, the false ACK does not
		e.wantReloads("auth", before)
		st.ack(filter{version: "4", module: module, capsOld: caps}.resource(t))
		e.wantReloads("auth", before+1)
		e.keepsHeader("auth", testfilter.LogHeader, "ok")
		st.ack(filter{version: "5", module: module, capsOld: caps, vmID: "other"}.resource(t))
		e.wantHeader("auth", testfilter.LogHeader, "refused")
	})
	on(t, newest, func(t *testing.T, version string) {
		e, st := warm(t, setup{version: version})
		st.ack(filter{version: "2", module: module}.resource(t))
		e.wantHeader("auth", testfilter.LogHeader, "ok")
		st.ack(filter{version: "3", module: module, vmCaps: caps}.resource(t))
		e.wantHeader("auth", testfilter.LogHeader, "refused")
	})
}

// On old versions a changed environment creates no new VM and has no effect.
func TestEnvironmentInTheVMKey(t *testing.T) {
	module := testfilter.HTTP{Stamp: "v2", EchoEnv: "PLACE"}.Module()
	for version, effective := range map[string]bool{"1.36.4": false, "1.39.3": true, "1.40.0": true} {
		on(t, []string{version}, func(t *testing.T, version string) {
			e, st := warm(t, setup{version: version})
			st.ack(filter{version: "2", module: module, env: map[string]string{"PLACE": "old"}}.resource(t))
			st.ack(filter{version: "3", module: module, env: map[string]string{"PLACE": "new"}}.resource(t))
			want := "new"
			if !effective {
				want = "old"
			}
			e.wantHeader("auth", testfilter.EnvHeader, want)
			// A new vm_id applies the environment on every version.
			st.ack(filter{version: "4", module: module, vmID: "x", env: map[string]string{"PLACE": "new"}}.resource(t))
			e.wantHeader("auth", testfilter.EnvHeader, "new")
		})
	}
}

// The package's builds of 1.38 have no Wasm runtime. The node has no runtime extension, and Envoy
// refuses every module.
func TestEnvoyWithoutV8(t *testing.T) {
	runtimes := func(r request) []string {
		var names []string
		for _, x := range r.node.GetExtensions() {
			if x.GetCategory() == "envoy.wasm.runtime" {
				names = append(names, x.GetName())
			}
		}
		return names
	}
	on(t, []string{"1.38.3"}, func(t *testing.T, version string) {
		e := start(t, setup{version: version, http: []string{"auth"}})
		st := e.xds.stream("auth")
		if names := runtimes(st.first()); contains(names, "envoy.wasm.runtime.v8") {
			program.NotTested(t, "this build has "+strings.Join(names, ", "))
		}
		st.nack(filter{version: "1", module: good("v1")}.resource(t))
	})
	on(t, both, func(t *testing.T, version string) {
		e := start(t, setup{version: version, http: []string{"auth"}})
		if names := runtimes(e.xds.stream("auth").first()); !contains(names, "envoy.wasm.runtime.v8") {
			t.Errorf("the node lists the Wasm runtimes %v", names)
		}
	})
}

// An open TCP connection keeps its plugin. New connections run the new plugin.
func TestOpenTCPConnectionKeepsItsPlugin(t *testing.T) {
	on(t, both, func(t *testing.T, version string) {
		e := start(t, setup{version: version, tcp: []string{"raw"}})
		st := e.xds.stream("raw")
		plugin := func(stamp string) resource {
			return filter{
				name: "raw", version: stamp, network: true,
				module: testfilter.Network{Stamp: stamp, EveryChunk: true}.Module(),
			}.resource(t)
		}
		st.ack(plugin("v1"))
		e.WaitListening(e.ports["raw"])
		old := e.dial("raw")
		exchange(t, old, "one", "[v1]one")
		st.ack(plugin("v2"))
		exchange(t, e.dial("raw"), "two", "[v2]two")
		exchange(t, old, "three", "[v1]three")
	})
}

func (e *edge) dial(listener string) net.Conn {
	e.t.Helper()
	conn, err := net.Dial("tcp", harness.Loopback(e.ports[listener]))
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(harness.Deadline))
	return conn
}

func exchange(t *testing.T, conn net.Conn, send, want string) {
	t.Helper()
	if _, err := io.WriteString(conn, send); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(want))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != want {
		t.Fatalf("sent %q, got %q (%v), wanted %q", send, got, err, want)
	}
}

// The test checks the effect of a trap at run time for each policy.
func TestTrapAtRunTime(t *testing.T) {
	on(t, newest, func(t *testing.T, version string) {
		e, st := warm(t, setup{version: version})
		trap := filter{version: "closed", module: testfilter.HTTP{Stamp: "v2", TrapOnRequest: true}.Module()}
		st.ack(trap.resource(t))
		for range 5 {
			e.wantStatus("auth", http.StatusServiceUnavailable)
		}
		// The next revision repairs the workers that have trapped.
		st.ack(filter{version: "good", module: good("v3")}.resource(t))
		for range 5 {
			e.wantStamp("auth", "v3")
		}
		trap.version, trap.policy = "open", wasmv3.FailurePolicy_FAIL_OPEN
		st.ack(trap.resource(t))
		bypassed := harness.Poll(t.Context(), func() bool {
			a := e.get("auth")
			return a.Status == http.StatusOK && a.Stamp() == ""
		})
		if !bypassed {
			t.Error("a filter that fails open keeps answering for the upstream")
		}
	})
}

// Envoy acknowledges a module without a memory and crashes at the first request.
func TestModuleWithoutMemoryKillsEnvoy(t *testing.T) {
	on(t, newest, func(t *testing.T, version string) {
		e, st := warm(t, setup{version: version, mayDie: true})
		st.ack(filter{version: "2", module: testfilter.NoMemory("v2")}.resource(t))
		if a, err := harness.TryGet(harness.Loopback(e.ports["auth"]), nil); err == nil {
			t.Fatalf("Envoy answers %d", a.Status)
		}
		<-e.Exited()
	})
}
