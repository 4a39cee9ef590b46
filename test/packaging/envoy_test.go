package packaging

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

// startEnvoy starts an Envoy as another user of the machine, adopts the Envoy, and starts a load.
func (m *machine) startEnvoy(t *testing.T) *harness.Load {
	t.Helper()
	m.run("useradd", "--system", "envoy")
	listener := harness.FreePort(t)
	m.write("/etc/envoy/envoy.yaml", fmt.Appendf(nil, plainEnvoy, listener, harness.FreePort(t), portOf(harness.StartUpstream(t).Address())))
	m.write("/etc/systemd/system/envoy.service", []byte("[Service]\nUser=envoy\nExecStart=/usr/bin/envoy -c /etc/envoy/envoy.yaml\n"))
	m.run("systemctl", "daemon-reload")
	m.run("systemctl", "start", "envoy")
	address := harness.Loopback(listener)
	m.wait("an answer without a filter", func() bool {
		answer, err := harness.TryGet(address, nil)
		return err == nil && answer.Status == http.StatusOK
	})
	if out, err := m.try("runuser", "-u", "envoy", "--", "wasm-xds", "status", "--admin-address", "unix:///run/wasm-xds/xds.sock"); err == nil ||
		!strings.Contains(out, "permission denied") {
		t.Errorf("a user that is not in the group connects: %v %s", err, out)
	}
	m.filter("one")
	m.follow("An Envoy on the same machine")
	m.wait("the filter", func() bool {
		answer, err := harness.TryGet(address, nil)
		return err == nil && answer.Stamp() == "one"
	})
	load := harness.StartLoad(t, harness.LoadOptions{Address: address})
	load.WaitRequests(100)
	return load
}

// portOf is the port of host:port.
func portOf(address string) string { return address[strings.LastIndexByte(address, ':')+1:] }

// plainEnvoy is an Envoy without any control plane. Its ports are those of the listener, of the
// admin interface and of the upstream.
const plainEnvoy = `
static_resources:
  listeners:
  - name: public
    address: {socket_address: {address: 127.0.0.1, port_value: %d}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: public
          route_config:
            virtual_hosts:
            - {name: all, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: upstream}}]}
          http_filters:
          - name: envoy.filters.http.router # the last
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
  clusters:
  - name: upstream
    load_assignment:
      cluster_name: upstream
      endpoints:
      - lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: %[3]s}}}}]
admin: {address: {socket_address: {address: 127.0.0.1, port_value: %[2]d}}}
`

// filter writes the spec and the module of the filter.
func (m *machine) filter(stamp string) {
	m.write("/etc/wasm-xds/filters/"+stamp+".wasm", testfilter.HTTP{Stamp: stamp}.Module())
	path := m.path("/etc/wasm-xds/filters/stamp.yaml")
	if err := os.WriteFile(path+".new", fmt.Appendf(nil, "name: stamp\nmodule: {file: %s.wasm}\n", stamp), 0o644); err != nil {
		m.t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		m.t.Fatal(err)
	}
}

// live says whether the Envoy runs the filter.
func (m *machine) live(admin string) bool {
	out, _ := m.try("wasm-xds", "status", "stamp", "--admin-address", admin, "--output", "json")
	return strings.Contains(out, `"state": "live"`)
}
