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

// The example of a Wasm service, as its README says: `bootstrap` writes the service, ECDS brings the
// filters, and the service counts their requests and connections. Nobody gets the service over ECDS.
func TestServiceExample(t *testing.T) {
	for _, version := range []string{"1.40.0", "1.36.4"} {
		t.Run(version, func(t *testing.T) {
			s := newScenario(t)
			if err := os.CopyFS(s.dir, os.DirFS(serviceExample)); err != nil {
				t.Fatal(err)
			}
			s.cp.Start()
			web, raw := harness.Loopback(harness.FreePort(t)), harness.Loopback(harness.FreePort(t))
			bootstrap := exec.CommandContext(t.Context(), harness.BuildBinary(t), "bootstrap", s.dir,
				"--xds-address", s.cp.XDSAddress(), "--modules-address", s.cp.ModulesAddress(), "--services-dir", filepath.Join(t.TempDir(), "services"),
				"--listen-address", web, "--tcp-listen-address", raw, "--upstream-address", s.upstream.Address())
			yaml, err := bootstrap.Output()
			if err != nil {
				t.Fatal(err)
			}
			envoy := harness.StartEnvoy(t, harness.EnvoyOptions{Version: version, Bootstrap: string(yaml)})
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

			f, ok := s.cp.Filter("traffic")
			if !ok || f.State != "active" || f.Error != nil || len(f.Subscribers) > 0 {
				t.Errorf("status shows the service as %+v", f)
			}
		})
	}
}
