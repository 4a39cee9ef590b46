package signal

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	accesslogdatav3 "github.com/envoyproxy/go-control-plane/envoy/data/accesslog/v3"
	accesslogv3 "github.com/envoyproxy/go-control-plane/envoy/service/accesslog/v3"
	metricsv3 "github.com/envoyproxy/go-control-plane/envoy/service/metrics/v3"
	prometheus "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/proto"
)

// Any bytes are read without a panic, and a message that protobuf takes is no error.
func FuzzReadReport(f *testing.F) {
	f.Add(message(f, stats{
		"http.web.downstream_rq_completed": 5, "http.web.downstream_rq_time": []float64{1, 2, 30}, "server.uptime": gauge(9),
		"wasm.auth.vm_reload_success": 1, "wasmcustom.x": 2, "node": node("edge"), "cluster_manager.cluster_added": 0,
	}))
	f.Add(message(f, stats{"http.web.downstream_rq_time": &prometheus.Histogram{
		SampleCount: proto.Uint64(12), Bucket: []*prometheus.Bucket{{CumulativeCount: proto.Uint64(4), UpperBound: proto.Float64(1)}},
	}}))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, text []byte) {
		var r Report
		err := ReadReport(text, &r)
		if whole := proto.Unmarshal(text, &metricsv3.StreamMetricsMessage{}); whole == nil && err != nil {
			t.Errorf("protobuf reads the message: %v", err)
		}
		_, _, err = ReadFailures(text)
		if whole := proto.Unmarshal(text, &accesslogv3.StreamAccessLogsMessage{}); whole == nil && err != nil {
			t.Errorf("protobuf reads the log: %v", err)
		}
		if err == nil {
			s := NewStore(Limits{})
			src, _ := s.Open(edge, start)
			src.Report(&r, at(0))
			src.Report(&r, at(1))
			s.Between(edge, "auth", at(-10), at(10))
		}
	})
}

func TestReadFailures(t *testing.T) {
	m := &accesslogv3.StreamAccessLogsMessage{LogEntries: &accesslogv3.StreamAccessLogsMessage_HttpLogs{
		HttpLogs: &accesslogv3.StreamAccessLogsMessage_HTTPAccessLogEntries{LogEntry: []*accesslogdatav3.HTTPAccessLogEntry{
			{Response: &accesslogdatav3.HTTPResponseProperties{ResponseCodeDetails: "wasm_fail_stream"}},
			{Response: &accesslogdatav3.HTTPResponseProperties{ResponseCodeDetails: "via_upstream"}},
			{},
			{Request: &accesslogdatav3.HTTPRequestProperties{Path: "wasm_fail_stream"}},
		}},
	}}
	text, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if _, n, err := ReadFailures(text); n != 1 || err != nil {
		t.Errorf("%d failures, %v", n, err)
	}
	if _, _, err := ReadFailures(text[:len(text)-1]); err == nil {
		t.Error("half a message is read")
	}
}

// Envoys run, restart, lose their connection and reports in any order. A span over everything never
// counts a request twice, and misses none while reports arrive.
func TestSumsOfRandomLives(t *testing.T) {
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 1))
		s := NewStore(Limits{EnvoyBytes: 1<<10 + random.IntN(20_000)})
		now, began, total, served := 0.0, 0.0, 0, 0 // served: at most, in the store
		r := open(t, s, edge, at(0))
		report := func() {
			all := counts(now-began, total, total/2)
			all["http.web.downstream_rq_time"] = []float64{1, 2}
			r.report(now, all)
		}
		report()
		for range 150 {
			now += float64(1 + random.IntN(20))
			switch n := random.IntN(100); {
			case n < 3: // the process restarts
				now += 20 // more than the tolerance
				r.src.Close(at(now))
				r = open(t, s, edge, at(now))
				began, total = now, 0
			case n < 8: // the stream restarts
				r.src.Close(at(now))
				r = open(t, s, edge, at(now))
			default:
				more := random.IntN(1000)
				total, served = total+more, served+more
				report()
			}
		}
		f, ok := s.Between(edge, "", at(-1), at(now))
		if !ok || f.Requests != uint64(served) {
			t.Fatalf("seed %d: %d requests of %d", seed, f.Requests, served)
		}
		// Spans that do not overlap never have more than the whole.
		var parts uint64
		for from := -1.0; from < now; from += 100 {
			part, _ := s.Between(edge, "", at(from), at(from+99.9))
			parts += part.Requests
		}
		if parts > f.Requests {
			t.Fatalf("seed %d: parts have %d requests, and the whole has %d", seed, parts, f.Requests)
		}
		all, p := r.src.envoy.points.offsets(), &r.src.envoy.points
		if all[p.n] != len(p.data) || p.n > mostPoints || cap(p.data)-len(p.data) > 3*room {
			t.Fatalf("seed %d: %d points end at %d, in %d bytes of %d", seed, p.n, all[p.n], len(p.data), cap(p.data))
		}
	}
}

func TestPackedPoints(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		p := point{start: random.Int64N(1 << 40), memory: random.Uint64(), pressure: 3, workers: random.Uint64N(100)}
		p.end = p.start + random.Int64N(1<<30)
		for i := range p.counts {
			p.counts[i] = random.Uint64() >> random.IntN(64)
		}
		var h Histogram
		for range random.IntN(50) {
			h.Observe(random.ExpFloat64()*100, random.Uint64N(1000))
		}
		p.times, p.named = h.buckets(), []namedCount{}
		for i := range random.IntN(10) {
			p.named = append(p.named, namedCount{i * 7, random.Uint64N(1 << 40)})
		}
		b := p.pack()
		got := b.unpack()
		if fmt.Sprint(got.times) == "[]" {
			got.times = nil
		}
		if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", p) {
			t.Fatalf("%+v becomes %+v", p, got)
		}
		if start, end := b.span(); start != p.start || end != p.end {
			t.Fatalf("the span of %+v is %d to %d", p, start, end)
		}
	}
}

// TestMemoryOfAFleet measures the memory for each Envoy, with a report every five seconds for half
// an hour.
func TestMemoryOfAFleet(t *testing.T) {
	const envoys, reports = 40, 360
	texts := make([][]byte, reports)
	for j := range texts {
		texts[j] = message(t, stats{
			"stamp": stamp(j + 1), "server.uptime": gauge(100_000 + j), "server.concurrency": gauge(4), "http.web.downstream_rq_completed": 50_000 * j,
			"http.web.downstream_rq_4xx": 300 * j, "http.web.downstream_rq_5xx": 3 * j, "server.memory_physical_size": gauge(40_000_000 + j),
			"http.web.downstream_rq_time": []float64{0.5, 0.8, 1, 1.2, 2, 3, 4, 8, 20, 45}, "wasmcustom.auth_denied": 300 * j, "wasmcustom.auth_ok": 49_000 * j,
		})
	}
	before := liveMemory()
	s := NewStore(Limits{})
	for i := range envoys {
		src, err := s.Open(Key{fmt.Sprint("edge-", i), "10.0.0.1"}, start)
		if err != nil {
			t.Fatal(err)
		}
		var r Report
		for j, text := range texts {
			if err := ReadReport(text, &r); err != nil {
				t.Fatal(err)
			}
			src.Report(&r, start.Add(time.Duration(j)*5*time.Second))
		}
	}
	each := (liveMemory() - before) / envoys
	t.Logf("%d bytes for each Envoy, and the store counts %d", each, s.bytes/envoys)
	const most = 20 << 10
	if each > most {
		t.Errorf("%d bytes for each Envoy", each)
	}
	if counted := uint64(s.bytes / envoys); counted < each*2/3 || counted > each*3/2 {
		t.Errorf("the store counts %d bytes for each Envoy, and takes %d", counted, each)
	}
	runtime.KeepAlive(s)
	runtime.KeepAlive(texts)
}

func liveMemory() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkReport takes a report with as many stats as Envoy has for a few listeners.
func BenchmarkReport(b *testing.B) {
	all := counts(9000, 100, 1)
	all["http.web.downstream_rq_time"] = []float64{1, 2, 3}
	for i := range 300 {
		all[fmt.Sprintf("cluster.upstream_%d.upstream_cx_destroy_local_with_active_rq", i)] = i
	}
	text := message(b, all)
	s := NewStore(Limits{})
	src, err := s.Open(edge, start)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	var r Report
	for i := 0; b.Loop(); i++ {
		if err := ReadReport(text, &r); err != nil {
			b.Fatal(err)
		}
		r.time = int64(i + 1)
		src.Report(&r, start.Add(time.Duration(i)*time.Second))
	}
}
