package envoyfacts

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// adsModes are the modes with several filters in a response.
var adsModes = []harness.Mode{harness.ADSSotW, harness.ADSDelta}

// several returns a resource for each name, all with the same version, with these stamps. The
// stamp "bad" makes a module that Envoy refuses.
func several(t *testing.T, version string, stamps map[string]string, names ...string) []resource {
	t.Helper()
	var resources []resource
	for _, name := range names {
		f := filter{name: name, version: version, module: good(stamps[name])}
		if stamps[name] == "bad" {
			f.module = refused("bad")
		}
		resources = append(resources, f.resource(t))
	}
	return resources
}

func same(stamp string, names ...string) map[string]string {
	stamps := map[string]string{}
	for _, name := range names {
		stamps[name] = stamp
	}
	return stamps
}

// warmSeveral starts an Envoy. Its filters get their first version in a single response.
func warmSeveral(t *testing.T, s setup) (*edge, *stream) {
	t.Helper()
	e := start(t, s)
	st := e.xds.stream(s.http[0])
	st.asked(s.http...)
	st.ack(several(t, "1", same("v1", s.http...), s.http...)...)
	for _, name := range s.http {
		e.wantStamp(name, "v1")
	}
	return e, st
}

// Envoy accepts several filters in a response with a single ACK, also at boot. Repeated bytes
// cause no reload.
func TestSeveralInOneResponse(t *testing.T) {
	for _, mode := range adsModes {
		t.Run(string(mode), func(t *testing.T) {
			on(t, every, func(t *testing.T, version string) {
				names := []string{"a", "b", "c", "d"}
				e, st := warmSeveral(t, setup{version: version, mode: mode, http: names})
				for _, name := range names {
					e.wantReloads(name, 1)
				}
				vms := e.vms()
				st.ack(several(t, "1", same("v1", names...), names...)...)
				st, _ = e.xds.reconnect(e.stopXDS, "a")
				st.ack(several(t, "1", same("v1", names...), names...)...)
				if n := e.vms() - vms; n != 0 {
					t.Errorf("the same bytes again: %d new VMs", n)
				}
				st.ack(several(t, "2", same("v2", names...), names[1:]...)...)
				e.wantStamp("a", "v1") // filters missing from a response stay
				e.wantStamp("d", "v2")
				e.wantReloads("a", 1)
				e.wantReloads("d", 2) // repeated bytes cause no reload
			})
		})
	}
}

// If a response has a bad filter, Envoy applies the filters before the bad filter and not the
// rest. Envoy reports no filter of the response as accepted, neither in the answer nor on the
// next stream, and counts a refusal for each. If the server then sends a good filter alone, Envoy
// loads the filter, even in the same bytes.
func TestOneOfSeveralIsRefused(t *testing.T) {
	for _, mode := range adsModes {
		t.Run(string(mode), func(t *testing.T) {
			on(t, every, func(t *testing.T, version string) {
				names := []string{"a", "b", "c", "d", "e"}
				e, st := warmSeveral(t, setup{version: version, mode: mode, http: names})
				second := same("v2", names...)
				second["c"] = "bad"
				st.nack(several(t, "2", second, names...)...)
				settled(e.EnvoyProcess)
				tried := 0
				for _, name := range names {
					stats := e.FilterStats(name)
					if stats["config_fail"] != 1 || stats["update_rejected"] != 1 {
						t.Errorf("%s counts %v", name, stats)
					}
					if stats["config_reload"] == 2 {
						tried++
					}
				}
				t.Logf("%d of 5 were tried", tried)
				for _, name := range names {
					if got := e.get(name).Stamp(); got != "v1" && (got != "v2" || name == "c") {
						t.Errorf("%s serves %q", name, got)
					}
				}
				e.keepsStamp("c", "v1")
				st, _ = e.xds.reconnect(e.stopXDS, "a")
				first := st.first()
				if mode == harness.ADSSotW && first.version != "1" {
					t.Errorf("version_info is %q", first.version)
				}
				for _, name := range names {
					if got := first.initial[name]; mode == harness.ADSDelta && got != "1" {
						t.Errorf("%s is named with version %q", name, got)
					}
				}
				// Sent alone, each good filter is accepted.
				for i, name := range names {
					alone := several(t, fmt.Sprint("3", i), second, name)
					if name == "c" {
						continue // Envoy would accept these bytes with a false ACK
					}
					st.ack(alone...)
					e.wantStamp(name, "v2")
				}
				e.keepsStamp("c", "v1")
			})
		})
	}
}

// The same holds at boot. Filters that Envoy applied serve, the rest answers with 500, and on
// reconnect Envoy names no version.
func TestOneOfSeveralIsRefusedAtBoot(t *testing.T) {
	for _, mode := range adsModes {
		t.Run(string(mode), func(t *testing.T) {
			on(t, every, func(t *testing.T, version string) {
				names := []string{"a", "b", "c"}
				e := start(t, setup{version: version, mode: mode, http: names, timeout: "0s"})
				st := e.xds.stream("a")
				st.asked(names...)
				stamps := same("v1", names...)
				stamps["b"] = "bad"
				st.nack(several(t, "1", stamps, names...)...)
				e.wantStatus("b", http.StatusInternalServerError)
				settled(e.EnvoyProcess)
				applied := func() (n int) {
					for _, name := range []string{"a", "c"} {
						if got := e.get(name); got.Stamp() == "v1" {
							n++
						} else if got.Status != http.StatusInternalServerError {
							t.Errorf("%s answers %d", name, got.Status)
						}
					}
					return n
				}
				// SotW has a fixed order, and delta does not. Workers apply a filter slightly
				// later.
				if mode == harness.ADSSotW && !harness.Poll(t.Context(), func() bool { return applied() == 1 }) {
					t.Errorf("%d of the 2 good filters are applied, not just the one before the bad", applied())
				}
				st, _ = e.xds.reconnect(e.stopXDS, "a")
				if first := st.first(); len(first.initial) > 0 || first.version != "" {
					t.Errorf("Envoy names %v, %q", first.initial, first.version)
				}
				st.ack(filter{name: "a", version: "2", module: good("v2")}.resource(t))
				st.ack(filter{name: "b", version: "3", module: good("v2")}.resource(t))
				st.ack(filter{name: "c", version: "4", module: good("v2")}.resource(t))
				for _, name := range names {
					e.wantStamp(name, "v2")
				}
			})
		})
	}
}
