package signal

import (
	"fmt"
	"math"
	"testing"
	"time"

	prometheus "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/proto"
)

// start is the time of the tests.
var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func TestCountersOfAnOldProcessCountFromTheFirstReport(t *testing.T) {
	s := NewStore(Limits{})
	r := open(t, s, edge, at(0))
	r.report(0, counts(90_000, 1000, 10))
	if _, ok := s.Between(edge, "", at(-100_000), at(100)); ok {
		t.Error("a first report has figures")
	}
	r.report(10, counts(90_010, 1100, 12))
	r.report(20, counts(90_020, 1300, 12))
	want(t, s, 0, 20, 300, 2)
	want(t, s, 10, 20, 200, 0)
	want(t, s, 5, 20, 200, 0) // the report from 0 to 10 does not lie within
	want(t, s, 0, 19, 100, 2)
}

func TestCountersOfANewProcessCountFromItsStart(t *testing.T) {
	s := NewStore(Limits{})
	r := open(t, s, edge, at(0))
	r.report(4, counts(4, 50, 1))
	want(t, s, 0, 4, 50, 1)
}

// The stream of a process breaks, as when the control plane restarts its connections.
func TestReconnect(t *testing.T) {
	s := NewStore(Limits{})
	r := open(t, s, edge, at(0))
	r.report(0, counts(500, 1000, 10))
	r.src.Close(at(5))
	r = open(t, s, edge, at(8))
	r.report(10, counts(510, 1100, 12))
	want(t, s, 0, 10, 100, 2)
}

func TestRestart(t *testing.T) {
	s := NewStore(Limits{})
	r := open(t, s, edge, at(0))
	r.report(0, counts(500, 1000, 10))
	r.report(10, counts(510, 1100, 12))
	r.src.Close(at(11))
	r = open(t, s, edge, at(30))
	r.report(40, counts(12, 1500, 3)) // more requests than before, and yet another process
	want(t, s, 0, 40, 100+1500, 2+3)
	want(t, s, 11, 40, 1500, 3)
}

// During a hot restart both processes report for a while, and the figures are added.
func TestHotRestart(t *testing.T) {
	s := NewStore(Limits{})
	old := open(t, s, edge, at(0))
	old.report(0, counts(500, 1000, 10))
	young := open(t, s, edge, at(5))
	young.report(8, counts(4, 30, 1))
	old.report(10, counts(510, 1100, 12))
	young.report(18, counts(14, 80, 1))
	old.src.Close(at(20))
	want(t, s, 0, 20, 100+80, 2+1)
}

// The counters of a listener that was removed and added again begin at zero.
func TestCounterMadeAnew(t *testing.T) {
	s := NewStore(Limits{})
	r := open(t, s, edge, at(0))
	r.report(0, counts(500, 1000, 10))
	r.report(10, counts(510, 7, 1))
	want(t, s, 0, 10, 7, 1)
}

func TestCountersAsDeltas(t *testing.T) {
	s := NewStore(Limits{})
	r := open(t, s, edge, at(0))
	delta := func(completed, errors int) stats {
		all := counts(9000, completed, errors)
		all["cluster_manager.cluster_added"] = 0
		return all
	}
	r.report(0, delta(70, 7))
	r.report(10, delta(100, 1))
	r.report(20, delta(100, 2))
	r.report(30, delta(120, 0))
	want(t, s, 0, 30, 320, 3)
}

func TestListenersAreAdded(t *testing.T) {
	s := NewStore(Limits{})
	r := open(t, s, edge, at(0))
	for i, n := range []int{0, 10} {
		r.report(float64(10*i), stats{
			"server.uptime": gauge(9000), "http.web.downstream_rq_completed": n, "http.a.b.downstream_rq_completed": 2 * n,
			"http.admin.downstream_rq_completed": 5 * n, "listener.127.0.0.1_80.http.web.downstream_rq_completed": n,
			"http.web.downstream_rq_4xx": n / 2, "http.web.user_agent.ios.downstream_rq_total": n,
		})
	}
	f, _ := s.Between(edge, "", at(0), at(10))
	if f.Requests != 30 || f.Denials4xx != 5 {
		t.Errorf("%d requests, %d denials", f.Requests, f.Denials4xx)
	}
}

func TestReloadsAndCustomCounters(t *testing.T) {
	s := NewStore(Limits{})
	r := open(t, s, edge, at(0))
	for i, n := range []int{0, 10} {
		r.report(float64(10*i), stats{
			"server.uptime": gauge(9000), "wasm.auth.vm_reload_success": n, "wasm.auth.vm_reload_backoff": n, "wasm.other.vm_reload_success": 100 * n,
			"wasm.envoy.wasm.runtime.v8.created": n, "wasmcustom.auth_denied": 2 * n, "wasmcustom.still": 5, "wasmcustom.g": gauge(n),
			"server.memory_physical_size": gauge(1000 * n), "overload.envoy.resource_monitors.cgroup_memory.pressure": gauge(40),
		})
	}
	f, _ := s.Between(edge, "auth", at(0), at(10))
	if f.Reloads != 20 || len(f.Custom) != 1 || f.Custom["auth_denied"] != 20 || f.Memory != 10_000 || f.MemoryPercent != 40 {
		t.Errorf("%+v", f)
	}
}

func TestTrapsAndBypass(t *testing.T) {
	s := NewStore(Limits{})
	r := open(t, s, edge, at(0))
	report := func(seconds float64, completed int) {
		all := counts(9000, completed, 0)
		all["server.concurrency"] = gauge(2)
		r.report(seconds, all)
	}
	report(0, 0)
	r.src.Trap(1, at(4)) // one of two workers
	report(10, 100)
	report(20, 200)
	r.src.Trap(1, at(21))
	report(30, 300)
	report(40, 400)
	for _, tt := range []struct {
		from, to        float64
		traps, bypassed uint64
	}{{0, 10, 1, 0}, {0, 20, 1, 50}, {0, 40, 2, 50 + 50 + 100}, {10, 20, 0, 0}, {20, 40, 1, 50}} {
		// The traps of the first report of a span come before its end: the estimate is low.
		f, _ := s.Between(edge, "", at(tt.from), at(tt.to))
		if f.Traps != tt.traps {
			t.Errorf("%+v: %d traps", tt, f.Traps)
		}
		if f.Bypassed > f.Requests {
			t.Errorf("%+v: %d of %d requests bypass the filter", tt, f.Bypassed, f.Requests)
		}
		if tt.traps > 0 && tt.to-tt.from > 10 && f.Bypassed == 0 {
			t.Errorf("%+v: no bypass", tt)
		}
	}
}

func TestTimes(t *testing.T) {
	s := NewStore(Limits{})
	r := open(t, s, edge, at(0))
	all := func(shift float64) []float64 {
		var out []float64
		for i := range 100 {
			out = append(out, shift+float64(i)/10)
		}
		return out
	}
	for i, v := range []any{all(0), all(10), all(20), []float64{}, &prometheus.Summary{}} {
		one := counts(9000, 100*i, 0)
		one["http.web.downstream_rq_time"] = v
		r.report(float64(10*i), one)
	}
	f, _ := s.Between(edge, "", at(0), at(40))
	if n := f.Time.Count(); n != 200 {
		t.Errorf("%d times", n) // those of the first report belong to an unknown span
	}
	for q, want := range map[float64]float64{0.5: 20, 0.99: 29.8, 0.25: 15} {
		if got := f.Time.Quantile(q); math.Abs(got-want) > want/8 {
			t.Errorf("quantile %v is %v, want about %v", q, got, want)
		}
	}
}

// With histogram_emit_mode HISTOGRAM, or both, the times come in buckets.
func TestTimesInBuckets(t *testing.T) {
	for _, both := range []bool{false, true} {
		var h Report
		text := message(t, stats{"http.web.downstream_rq_time": &prometheus.Histogram{
			SampleCount: proto.Uint64(12), Bucket: []*prometheus.Bucket{
				{CumulativeCount: proto.Uint64(4), UpperBound: proto.Float64(1)},
				{CumulativeCount: proto.Uint64(4), UpperBound: proto.Float64(5)},
				{CumulativeCount: proto.Uint64(10), UpperBound: proto.Float64(10)},
			},
		}})
		if both {
			text = append(text, message(t, stats{"http.web.downstream_rq_time": []float64{7, 7, 7}})...)
		}
		if err := ReadReport(text, &h); err != nil {
			t.Fatal(err)
		}
		count, p50 := h.times.Count(), h.times.Quantile(0.5)
		if !both && (count != 12 || p50 < 5 || p50 > 8) || both && (count != 3 || p50 < 6.5 || p50 > 7.5) {
			t.Errorf("both %t: %d times, a median of %v", both, count, p50)
		}
	}
}

// With batch_size, a report comes in several messages, which are one point.
func TestBatches(t *testing.T) {
	s := NewStore(Limits{})
	r := open(t, s, edge, at(0))
	for i, n := range []int{0, 10, 20} {
		now := float64(10 * i)
		r.report(now, stats{"server.uptime": gauge(9000), "http.web.downstream_rq_completed": n, "stamp": stamp(10*i + 1)})
		r.report(now+0.2, stats{"http.web.downstream_rq_5xx": n, "stamp": stamp(10*i + 1)})
	}
	want(t, s, 0, 21, 20, 20)
	want(t, s, 10, 21, 10, 10)
	if state, _ := s.State(edge, at(40)); state != Reporting {
		t.Error("the interval is that between the messages")
	}
}

func TestSourceLost(t *testing.T) {
	s := NewStore(Limits{})
	if state, _ := s.State(edge, at(0)); state != Never {
		t.Error(state)
	}
	r := open(t, s, edge, at(0))
	if state, _ := s.State(edge, at(0)); state != Never {
		t.Error(state)
	}
	for i := range 4 {
		r.report(float64(5*i), counts(9000, 0, 0))
	}
	r.report(30, counts(9000, 0, 0)) // some reports are missing
	for seconds, want := range map[float64]Totals{30: {Reporting: 1}, 46: {Lost: 1}} {
		if got := s.Totals(at(seconds)); got.Reporting != want.Reporting || got.Lost != want.Lost || got.Bytes == 0 {
			t.Errorf("after %v s: %+v", seconds, got)
		}
	}
	for seconds, want := range map[float64]State{30: Reporting, 45: Reporting, 46: Lost, 1000: Lost} {
		if state, since := s.State(edge, at(seconds)); state != want || !since.Equal(at(30)) {
			t.Errorf("after %v s: %v since %v", seconds, state, since)
		}
	}
}

func TestKeys(t *testing.T) {
	s := NewStore(Limits{})
	for i, host := range []string{"10.0.0.1", "10.0.0.2"} {
		r := open(t, s, Key{"edge", host}, at(0))
		r.report(0, counts(9000, 0, 0))
		r.report(10, counts(9000, 10*(i+1), 0))
	}
	for host, want := range map[string]uint64{"10.0.0.1": 10, "10.0.0.2": 20, "": 30, "10.0.0.3": 0} {
		if f, _ := s.Between(Key{"edge", host}, "", at(0), at(10)); f.Requests != want {
			t.Errorf("%q: %d requests", host, f.Requests)
		}
	}
}

func TestBounds(t *testing.T) {
	limits := Limits{Names: 20, EnvoyBytes: 4 << 10}
	s := NewStore(limits)
	for i := range 3 {
		r := open(t, s, Key{fmt.Sprint(i), ""}, at(0))
		for j := range 300 {
			all := counts(9000, 10*j, j)
			for k := range 12 {
				all[fmt.Sprintf("wasmcustom.%d_%d", j, k)] = k
			}
			r.report(float64(10*j), all)
		}
		e := r.src.envoy
		if len(e.names.all) > limits.Names || e.names.bytes > limits.EnvoyBytes || len(e.points.data) > limits.EnvoyBytes || e.points.n > mostPoints || e.dropped == 0 {
			t.Errorf("%d names with %d bytes, %d points with %d bytes", len(e.names.all), e.names.bytes, e.points.n, len(e.points.data))
		}
		if f, _ := s.Between(Key{Node: fmt.Sprint(i)}, "", at(0), at(3000)); f.Requests != 2990 || f.Errors5xx != 299 {
			t.Errorf("%d requests and %d errors", f.Requests, f.Errors5xx)
		}
		if i == 0 {
			r.src.Close(at(3000))
		}
	}
	s.limits.Bytes = s.bytes
	if _, err := s.Open(Key{"3", ""}, at(3000)); err != nil {
		t.Errorf("an Envoy without a stream is in the way: %v", err)
	}
	s.limits.Bytes = s.bytes
	if _, err := s.Open(Key{"4", ""}, at(3000)); err == nil {
		t.Error("there is no bound")
	}
	r := open(t, s, Key{"1", ""}, at(3010))
	for j := range 300 {
		all := counts(12_000+10*float64(j), 3000+10*j, 300+j)
		all[fmt.Sprint("wasmcustom.", j)] = j
		r.report(3010+10*float64(j), all)
	}
	if s.bytes > s.limits.Bytes {
		t.Errorf("%d bytes, with a bound of %d", s.bytes, s.limits.Bytes)
	}
	if f, _ := s.Between(Key{Node: "1"}, "", at(0), at(10_000)); f.Requests != 2990+2990 {
		t.Errorf("%d requests", f.Requests)
	}
	s.Forget(at(10_000))
	if s.count != 3 || s.bytes <= 0 {
		t.Errorf("%d Envoys with %d bytes, all with streams", s.count, s.bytes)
	}
}
