package monitoring_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

// orders is a user's own service behind two Envoys. It exports the share of failed orders of each
// Envoy in percent. The share behind the stable Envoy is always bad, so only a query about the
// right Envoy is right.
type orders struct{ failed atomic.Int64 }

func (o *orders) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintf(w, "# TYPE orders_failed_percent gauge\norders_failed_percent{envoy=\"canary\"} %d\norders_failed_percent{envoy=\"other\"} 90\n", o.failed.Load())
}

// TestHealthByPrometheus has a spec name a query of a real Prometheus. The rollout goes on while
// the value for its canary is within the limit, goes back when it is not, and waits when Prometheus
// is gone.
func TestHealthByPrometheus(t *testing.T) {
	t.Parallel()
	service := &orders{}
	exporter := httptest.NewServer(service)
	t.Cleanup(exporter.Close)
	prometheus := startPrometheus(t, strings.TrimPrefix(exporter.URL, "http://"))
	prometheus.wait(t, "the orders", `orders_failed_percent{envoy="canary"}`, false)

	dir := t.TempDir()
	edit := func(stamp, soak string) (sha256 string) {
		t.Helper()
		harness.WriteFilter(t, dir, "auth", module(stamp), fmt.Sprintf(`rollout:
  canary: {ids: [canary]}
  soak: %s
  health:
    minRequests: 1
    after: 0s
    prometheus: {url: %q, query: 'max(orders_failed_percent{envoy=~"$canaries"})', max: 5}
`, soak, prometheus.url))
		return harness.SHA256(module(stamp))
	}
	edit("v1", "0s")
	cp := harness.StartControlPlane(t, harness.ControlPlaneOptions{Dir: dir})
	upstream := harness.StartUpstream(t)
	for _, node := range []string{"canary", "other"} {
		port := harness.FreePort(t)
		envoy := harness.StartEnvoy(t, harness.EnvoyOptions{Bootstrap: harness.Bootstrap{
			XDSAddress: cp.XDSAddress(), ModulesAddress: cp.ModulesAddress(), NodeID: node, StatsInterval: "1s",
			HTTP: []harness.HTTPListener{{Name: "web", Port: port, Filters: harness.Filters("auth"), Upstream: upstream.Address()}},
		}.YAML(t)})
		envoy.WaitReady()
		harness.StartLoad(t, harness.LoadOptions{Address: harness.Loopback(port), Workers: 1, Rate: 20, Requests: []harness.Request{{}}})
	}
	cp.WaitLive("auth", module("v1"), 2)

	good := edit("v2", "0s")
	cp.WaitFilter("auth", func(f harness.FilterStatus) bool { return f.LiveModule(good, 2) && f.Rollout == nil })

	service.failed.Store(40)
	edit("v3", "0s")
	back := cp.WaitFilter("auth", func(f harness.FilterStatus) bool { return f.Error != nil && f.Module.SHA256 == good })
	if text := back.Error.Message; !strings.Contains(text, "prometheus: ") || !strings.Contains(text, "40") || !strings.Contains(text, "5") {
		t.Errorf("it went back because: %s", text)
	}
	t.Log(back.Error.Message)

	service.failed.Store(0)
	prometheus.wait(t, "the service is well again", `orders_failed_percent{envoy="canary"} == 0`, false)
	edit("v4", "1h")
	cp.WaitFilter("auth", func(f harness.FilterStatus) bool { return f.Rollout != nil && f.Rollout.State == "soaking" })
	prometheus.end()
	waits := cp.WaitFilter("auth", func(f harness.FilterStatus) bool {
		return f.Rollout != nil && f.Rollout.Health != nil && f.Rollout.Health.Outcome == "source_lost"
	})
	if text := waits.Rollout.Health.Message; !strings.Contains(text, "the server cannot be reached") {
		t.Errorf("it waits because: %s", text)
	}
	t.Log(waits.Rollout.Health.Message)
}

func module(stamp string) []byte { return testfilter.HTTP{Stamp: stamp}.Module() }
