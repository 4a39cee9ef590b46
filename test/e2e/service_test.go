package e2e_test

import (
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// serviceExample is the example with a service and two filters of one vm.id.
const serviceExample = "../../examples/service"

// The example of a Wasm service: `bootstrap` writes the service, ECDS brings the filters, and the
// service counts their requests and connections. Status says which Envoys need a restart.
func TestServiceExample(t *testing.T) {
	for _, version := range []string{"1.40.0", "1.36.4"} {
		t.Run(version, func(t *testing.T) {
			s := newScenario(t)
			if err := os.CopyFS(s.dir, os.DirFS(serviceExample)); err != nil {
				t.Fatal(err)
			}
			s.cp.Start()
			services := filepath.Join(t.TempDir(), "services")
			web, raw := harness.Loopback(harness.FreePort(t)), harness.Loopback(harness.FreePort(t))
			bootstrap := func(web, raw string) string {
				t.Helper()
				yaml, err := exec.CommandContext(t.Context(), harness.BuildBinary(t), "bootstrap", s.dir,
					"--xds-address", s.cp.XDSAddress(), "--modules-address", s.cp.ModulesAddress(), "--services-dir", services,
					"--listen-address", web, "--tcp-listen-address", raw, "--upstream-address", s.upstream.Address()).Output()
				if err != nil {
					t.Fatal(err)
				}
				return string(yaml)
			}
			envoy := harness.StartEnvoy(t, harness.EnvoyOptions{Version: version, Bootstrap: bootstrap(web, raw), HotRestart: true})
			envoy.WaitReady()

			harness.Get(t, web, nil)
			harness.Get(t, web, nil)
			envoy.WaitStat("wasmcustom.traffic_http_requests", 2)

			conn, err := net.Dial("tcp", raw)
			if err != nil {
				t.Fatal(err)
			}
			const request = "GET / HTTP/1.0\r\n\r\n"
			if _, err := io.WriteString(conn, request); err != nil {
				t.Fatal(err)
			}
			answer, err := io.ReadAll(conn)
			if err != nil || !strings.Contains(string(answer), "200 OK") {
				t.Fatalf("the connection answers %q, %v", answer, err)
			}
			_ = conn.Close()
			envoy.WaitStat("wasmcustom.traffic_tcp_connections", 1)
			envoy.WaitStat("wasmcustom.traffic_tcp_received_bytes", int64(len(request)))
			envoy.WaitStat("wasmcustom.traffic_tcp_sent_bytes", int64(len(answer)))

			f, _ := s.cp.Filter("traffic")
			if f.State != "active" || f.Condition != "live" || f.Error != nil || len(f.Subscribers)+len(f.Warnings) > 0 {
				t.Errorf("status shows the service as %+v", f)
			}

			// Another revision needs a restart of each Envoy, and status says so.
			spec := filepath.Join(s.dir, "traffic.yaml")
			text, err := os.ReadFile(spec)
			if err == nil {
				err = os.WriteFile(spec, append(text, "config: again\n"...), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			before := f.Revision
			f = s.cp.WaitFilter("traffic", func(f harness.FilterStatus) bool { return f.Revision != before && f.Candidate == "" })
			if len(f.Warnings) != 1 || f.Warnings[0].Code != "service_restart" || !strings.Contains(f.Warnings[0].Message, "1 of 1 Envoys") {
				t.Errorf("after an edit, status shows the service as %+v", f)
			}
			next := envoy.HotRestart(bootstrap(web, raw))
			next.WaitReady()
			f = s.cp.WaitFilter("traffic", func(f harness.FilterStatus) bool { return f.Envoys.Total == 2 })
			if len(f.Warnings) != 1 || !strings.Contains(f.Warnings[0].Message, "1 of 2 Envoys run another revision of the service until they restart: envoy-1") {
				t.Errorf("during a hot restart, status shows the service as %+v", f)
			}
			envoy.Stop()
			f = s.cp.WaitFilter("traffic", func(f harness.FilterStatus) bool { return f.Envoys.Total == 1 })
			if len(f.Warnings) > 0 || f.Condition != "live" {
				t.Errorf("after a hot restart, status shows the service as %+v", f)
			}
			harness.Get(t, web, nil)
			next.WaitStat("wasmcustom.traffic_http_requests", 1)
		})
	}
}
