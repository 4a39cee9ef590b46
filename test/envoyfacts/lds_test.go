package envoyfacts

import (
	"testing"

	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	"google.golang.org/protobuf/proto"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// lds starts an Envoy with a single listener, web, from LDS. The listener has the filter auth.
func lds(t *testing.T, version string, mode harness.Mode) (e *edge, listeners *stream, web func(n string) resource) {
	t.Helper()
	control := startXDS(t)
	e = start(t, setup{version: version, mode: mode, change: func(b *harness.Bootstrap) { b.LDSAddress = control.address }})
	// The upstream's cluster is static, so the bootstrap must have the cluster.
	e.ports["web"] = harness.FreePort(t)
	config := e.bootstrap.Listener(t, harness.HTTPListener{
		Name: "web", Port: e.ports["web"], Filters: harness.Filters("auth"), Upstream: e.upstream.Address(),
	})
	web = func(n string) resource {
		changed := proto.Clone(config).(*listenerv3.Listener)
		changed.StatPrefix = n
		return resource{name: "web", version: n, message: changed}
	}
	return e, control.stream(everyListener), web
}

// Envoy stores a refused filter. The next update of its listener fails until the server pushes a
// good filter in other bytes.
func TestRefusedFilterFailsTheListenersUpdate(t *testing.T) {
	on(t, both, func(t *testing.T, version string) {
		e, listeners, web := lds(t, version, harness.ECDSDelta)
		listeners.say(listenerType, web("1"))
		st := e.xds.stream("auth")
		st.ack(filter{version: "1", module: good("v1")}.resource(t))
		e.wantStamp("web", "v1")
		st.nack(filter{version: "2", module: refused("v2")}.resource(t))
		if r := listeners.verdict(listeners.say(listenerType, web("2"))); !r.nackedYet {
			t.Error("the listener's update is accepted, with a refused filter")
		}
		st.ack(filter{version: "3", module: good("v1"), salt: "/salt/1"}.resource(t))
		if r := listeners.verdict(listeners.say(listenerType, web("3"))); r.nackedYet {
			t.Errorf("with a good filter the listener's update is refused: %s", r.nack)
		}
		e.wantStamp("web", "v1")
	})
}

// A listener that disappears and returns during an outage of the control plane has lost its
// filters. A delta Envoy reports the loss. A SotW Envoy still sends the old version_info.
func TestListenerBroughtBackWhileTheControlPlaneIsAway(t *testing.T) {
	for _, mode := range []harness.Mode{harness.ADSDelta, harness.ADSSotW} {
		t.Run(string(mode), func(t *testing.T) {
			on(t, both, func(t *testing.T, version string) {
				e, listeners, web := lds(t, version, mode)
				listeners.say(listenerType, web("1"))
				st := e.xds.stream("auth")
				st.ack(filter{version: "1", module: good("v1")}.resource(t))
				e.wantStamp("web", "v1")
				e.stopXDS()
				listeners.remove(listenerType, "web")
				gone := harness.Poll(t.Context(), func() bool {
					stats := e.Stats("listener_manager.")
					return stats["listener_manager.total_listeners_active"] == 0 &&
						stats["listener_manager.total_listeners_draining"] == 0
				})
				if !gone {
					t.Fatal("the listener is still there")
				}
				listeners.say(listenerType, web("2"))
				e.xds.listen()
				st = e.xds.stream("auth")
				first := st.firstFor("auth")
				if _, has := first.initial["auth"]; has {
					t.Errorf("delta names version %q of a filter that the listener has not", first.initial["auth"])
				}
				if mode == harness.ADSSotW && first.version != "1" {
					t.Errorf("SotW names version_info %q, not 1", first.version)
				}
				// In all cases Envoy accepts the same bytes.
				st.ack(filter{version: "1", module: good("v1")}.resource(t))
				e.wantStamp("web", "v1")
			})
		})
	}
}
