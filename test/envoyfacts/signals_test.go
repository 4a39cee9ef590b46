package envoyfacts

import (
	"net/http"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	httpwasmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/wasm/v3"
	wasmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/wasm/v3"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

// signals is an Envoy with faulty filters, which reports to the control plane.
type signals struct {
	*edge
	*reports
}

// faulty are the filters of [startSignals], each with its listener.
func faulty(t *testing.T) []resource {
	t.Helper()
	of := func(name string, policy wasmv3.FailurePolicy, faults testfilter.Faults) resource {
		return filter{name: name, version: "1", policy: policy, vmID: name, module: testfilter.HTTP{Stamp: name, Faults: faults}.Module()}.resource(t)
	}
	trap := testfilter.Faults{TrapEvery: 3}
	reload := of("reload", wasmv3.FailurePolicy_FAIL_RELOAD, trap)
	w := &httpwasmv3.Wasm{}
	if err := reload.message.(*corev3.TypedExtensionConfig).GetTypedConfig().UnmarshalTo(w); err != nil {
		t.Fatal(err)
	}
	w.Config.ReloadConfig = &wasmv3.ReloadConfig{Backoff: &corev3.BackoffStrategy{BaseInterval: durationpb.New(10 * time.Millisecond)}}
	reload.message = &corev3.TypedExtensionConfig{Name: "reload", TypedConfig: pack(t, w)}
	return []resource{
		of("closed", wasmv3.FailurePolicy_FAIL_CLOSED, trap),
		of("open", wasmv3.FailurePolicy_FAIL_OPEN, trap),
		reload,
		of("waiting", wasmv3.FailurePolicy_FAIL_RELOAD, trap), // with Envoy's pause of a second
		of("ticking", wasmv3.FailurePolicy_FAIL_OPEN, testfilter.Faults{TrapOnTick: true}),
		of("leaky", wasmv3.FailurePolicy_FAIL_CLOSED, testfilter.Faults{LeakPages: 32}),
		of("slow", wasmv3.FailurePolicy_FAIL_CLOSED, testfilter.Faults{Delay: 20 * time.Millisecond}),
		of("counted", wasmv3.FailurePolicy_FAIL_CLOSED, testfilter.Faults{Counter: "auth_denied", FailPath: "/"}),
		of("second", wasmv3.FailurePolicy_FAIL_OPEN, trap), // behind "counted"
		filter{name: "raw", version: "1", vmID: "raw", network: true, module: testfilter.Network{TrapOnConnection: true}.Module()}.resource(t),
	}
}

func startSignals(t *testing.T, version string) signals {
	t.Helper()
	names := []string{"closed", "open", "reload", "waiting", "ticking", "leaky", "slow", "counted"}
	e := start(t, setup{version: version, http: names, tcp: []string{"raw"}, mode: harness.ADSDelta, change: func(b *harness.Bootstrap) {
		b.StatsInterval = "0.2s"
		b.HTTP[len(b.HTTP)-1].Filters = harness.Filters("counted", "second")
	}})
	st := e.xds.stream("closed")
	st.ack(faulty(t)...)
	for _, name := range names {
		e.WaitListening(e.ports[name])
	}
	return signals{e, &e.xds.reports}
}

// gets sends n requests, and counts the answers by status, and those without the filter's stamp.
func (s signals) gets(name string, n int) (status map[int]int, bypassed int) {
	s.t.Helper()
	status = map[int]int{}
	for range n {
		a := s.get(name)
		status[a.Status]++
		if a.Status == http.StatusOK && a.Stamp() == "" {
			bypassed++
		}
	}
	return status, bypassed
}

// TestSignals shows what Envoys report about filters that misbehave: which stats tell of which
// fault, and which faults no stat shows.
func TestSignals(t *testing.T) {
	on(t, every, func(t *testing.T, version string) {
		s := startSignals(t, version)
		t.Run("a trap with the policy closed", s.trapClosed)
		t.Run("a trap with the policy open", s.trapOpen)
		t.Run("a trap with the policy reload", s.trapReload)
		t.Run("a trap in a network filter", s.trapNetwork)
		t.Run("times", s.slowFilter)
		t.Run("the filter's own metric", s.ownMetric)
		t.Run("memory", s.leak)
		t.Run("an update", s.update)
		t.Run("the node", s.node)
	})
}

// The only stat of a trap with the policy closed is the listener's count of 5xx. The access log has
// each failed request.
func (s signals) trapClosed(t *testing.T) {
	status, _ := s.gets("closed", 20)
	s.next(t)
	s.wantStat(t, "http.closed.downstream_rq_completed", 20)
	s.wantStat(t, "http.closed.downstream_rq_5xx", float64(status[http.StatusServiceUnavailable]))
	s.wantStat(t, "wasm.closed.vm_reload_backoff", -1)
	s.wantFailed(t, "closed", status[http.StatusServiceUnavailable])
}

func (s signals) wantFailed(t *testing.T, listener string, want int) {
	t.Helper()
	if want == 0 {
		t.Error("no request has failed")
	}
	if !harness.Poll(t.Context(), func() bool { return s.failed(t, s.ports[listener]) >= want }) || s.failed(t, s.ports[listener]) != want {
		t.Errorf("%d requests are logged, and %d have failed", s.failed(t, s.ports[listener]), want)
	}
}

// With the policy open, a trap fails one request of the worker. Nothing counts the requests that
// pass without the filter afterwards. A trap outside of requests fails none, so nothing shows it at
// all.
func (s signals) trapOpen(t *testing.T) {
	status, bypassed := s.gets("open", 40)
	if failed := status[http.StatusServiceUnavailable]; failed < 1 || failed > 2 || bypassed == 0 {
		t.Errorf("%d requests have failed on two workers, and %d bypass the filter", failed, bypassed)
	}
	s.next(t)
	s.wantStat(t, "http.open.downstream_rq_5xx", float64(status[http.StatusServiceUnavailable]))
	s.wantFailed(t, "open", status[http.StatusServiceUnavailable])

	s.wantStat(t, "http.ticking.downstream_rq_5xx", -1)
	if !harness.Poll(t.Context(), func() bool { _, bypassed := s.gets("ticking", 5); return bypassed == 5 }) {
		t.Error("the trap of a timer changes nothing")
	}
	s.next(t)
	s.wantStat(t, "http.ticking.downstream_rq_5xx", -1)
	if n := s.failed(t, s.ports["ticking"]); n > 0 {
		t.Errorf("%d requests are logged", n)
	}
}

// With the policy reload, the stats name the filter: they count the VMs made anew, and the requests
// that failed until then. The requests that trapped count in neither.
func (s signals) trapReload(t *testing.T) {
	var failed int
	for range 20 {
		if s.get("reload").Status == http.StatusServiceUnavailable {
			failed++
			time.Sleep(20 * time.Millisecond) // longer than the pause
		}
	}
	status, _ := s.gets("waiting", 20)
	s.next(t)
	if n := s.value("wasm.reload.vm_reload_success"); n < 1 {
		t.Errorf("%v VMs were made anew", n)
	}
	s.wantStat(t, "wasm.reload.vm_reload_failure", -1)
	if n := s.value("wasm.waiting.vm_reload_backoff"); n < 1 || n >= float64(status[http.StatusServiceUnavailable]) {
		t.Errorf("%v requests came during a pause, of %v", n, status)
	}
	s.wantFailed(t, "reload", failed)
	s.wantFailed(t, "waiting", status[http.StatusServiceUnavailable])
}

// A network filter that traps closes its connections. The stats count them as any others.
func (s signals) trapNetwork(t *testing.T) {
	for range 3 {
		conn := s.dial("raw")
		if n, err := conn.Read(make([]byte, 1)); n > 0 || err == nil {
			t.Error("the connection goes on")
		}
	}
	s.next(t)
	if n := s.value("tcp.raw.downstream_cx_total"); n < 3 {
		t.Errorf("%v connections", n)
	}
	s.wantStat(t, "wasm.raw.vm_reload_backoff", -1)
	if n := s.failed(t, s.ports["raw"]); n > 0 {
		t.Errorf("%d connections are logged", n)
	}
}

// A summary has the times of the interval alone.
func (s signals) slowFilter(t *testing.T) {
	s.gets("slow", 10)
	s.next(t)
	s.mu.Lock()
	defer s.mu.Unlock()
	if n, median := s.times["http.slow.downstream_rq_time"], s.medians["http.slow.downstream_rq_time"]; n != 10 || median < 20 {
		t.Errorf("%d times, with a median of %v ms", n, median)
	}
}

// A module's counter has a name without the filter. The counts of a listener are those of all its
// filters.
func (s signals) ownMetric(t *testing.T) {
	status, _ := s.gets("counted", 10)
	s.next(t)
	s.wantStat(t, "wasmcustom.auth_denied", 10)
	s.wantStat(t, "http.counted.downstream_rq_5xx", float64(status[http.StatusInternalServerError]))
}

// The memory of modules is in no stat of Envoy.
func (s signals) leak(t *testing.T) {
	s.next(t)
	before, rss := s.value("server.memory_physical_size"), s.RSS()
	s.gets("leaky", 20)
	s.next(t)
	const leaked = 20 * 32 * 64 << 10
	if s.RSS()-rss < leaked/2 {
		t.Errorf("the process has grown by %d bytes", s.RSS()-rss)
	}
	if grown := s.value("server.memory_physical_size") - before; grown > leaked/4 {
		t.Errorf("Envoy reports %v bytes more", grown)
	}
	s.wantStat(t, "wasm.leaky.vm_memory_size", -1)
}

// Each filter has counters of its updates.
func (s signals) update(t *testing.T) {
	s.next(t)
	for _, name := range []string{"closed", "second"} {
		s.wantStat(t, "extension_config_discovery.http_filter."+name+".config_reload", 1)
		s.wantStat(t, "extension_config_discovery.http_filter."+name+".config_fail", -1)
	}
}

// The first message of a stream has the node, and later ones have not. Envoy reports what every
// report of wasm-xds needs.
func (s signals) node(t *testing.T) {
	s.mu.Lock()
	if s.nodes[0].GetId() != "edge-1" || s.nodes[1] != nil {
		t.Errorf("the nodes are %v", s.nodes[:2])
	}
	s.mu.Unlock()
	s.wantStat(t, "server.concurrency", 2)
	if up, clusters := s.value("server.uptime"), s.value("cluster_manager.cluster_added"); up < 0 || clusters < 1 {
		t.Errorf("uptime %v, clusters %v", up, clusters)
	}
}

// With report_counters_as_deltas, the count of added clusters is zero from the second report on.
func TestCountersAsDeltas(t *testing.T) {
	on(t, both, func(t *testing.T, version string) {
		e, _ := warm(t, setup{version: version, change: func(b *harness.Bootstrap) {
			b.StatsInterval, b.StatsOptions = "0.2s", "report_counters_as_deltas: true"
		}})
		r := &e.xds.reports
		r.next(t)
		r.wantStat(t, "cluster_manager.cluster_added", 0)
	})
}
