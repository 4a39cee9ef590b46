package health

import (
	"fmt"
	"net"
	"path/filepath"
	"time"

	metricsv3 "github.com/envoyproxy/go-control-plane/envoy/service/metrics/v3"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/wasm-xds/wasm-xds/internal/signal"
	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
	"github.com/wasm-xds/wasm-xds/test/bench/suite"
)

// second has the figures of both Envoys in a second.
type second [2]signal.Figures

// versions are the versions of the Envoys.
func versions() []string { return []string{"1.36.4", "1.40.0"} }

// filter is the name of the filter.
const filter = "auth"

// rate is how many requests a second each Envoy gets.
const rate = 100

// record runs two Envoys with a filter under noisy load, and returns their figures.
func record(t harness.TB, length time.Duration) ([]second, error) {
	dir := filepath.Join(t.TempDir(), "filters")
	module := testfilter.HTTP{Stamp: "v1"}.Module()
	harness.WriteFilter(t, dir, filter, module, "")
	plane := harness.StartControlPlane(t, harness.ControlPlaneOptions{Dir: dir, Args: []string{"--log-level", "info"}})
	store := signal.NewStore(signal.Limits{})
	sink, err := startSink(t, store)
	if err != nil {
		return nil, err
	}
	for i, version := range versions() {
		port := harness.FreePort(t)
		filters := harness.Filters(filter)
		filters[0].XDSAddress = plane.XDSAddress()
		b := harness.Bootstrap{
			Mode: harness.ECDSDelta, XDSAddress: sink, ModulesAddress: plane.ModulesAddress(), NodeID: version, StatsInterval: "1s",
			HTTP: []harness.HTTPListener{{Name: "web", Port: port, Filters: filters, Upstream: startNoisy(t, uint64(i))}},
		}
		harness.StartEnvoy(t, harness.EnvoyOptions{Version: version, Bootstrap: b.YAML(t)}).WaitReady()
		startLoad(t, port)
	}
	began := time.Now()
	if err := suite.Rest(t.Context(), length); err != nil {
		return nil, err
	}
	var all [2][]signal.Span
	for i, version := range versions() {
		all[i] = store.Spans(signal.Key{Node: version}, filter, began, time.Now())
	}
	n := min(len(all[0]), len(all[1]))
	if n < int(length/time.Second)/2 {
		return nil, fmt.Errorf("the Envoys have reported %d times only", n)
	}
	noise := make([]second, n)
	for i := range noise {
		noise[i] = second{all[0][i].Figures, all[1][i].Figures}
	}
	return noise, nil
}

// startLoad sends requests. Their answers may be anything.
func startLoad(t harness.TB, port int) {
	accept := func(harness.Answer) harness.Verdict { return harness.OK }
	harness.StartLoad(t, harness.LoadOptions{Address: harness.Loopback(port), Workers: 8, Rate: rate, Requests: []harness.Request{{Judge: accept}}})
}

// sink is a metrics service that keeps the reports.
type sink struct {
	metricsv3.UnimplementedMetricsServiceServer
	store *signal.Store
}

// startSink starts a metrics service and returns its address.
func startSink(t harness.TB, store *signal.Store) (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := grpc.NewServer()
	metricsv3.RegisterMetricsServiceServer(server, sink{store: store})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(listener)
	}()
	t.Cleanup(func() {
		server.Stop()
		<-ended
	})
	return listener.Addr().String(), nil
}

// StreamMetrics keeps the reports of an Envoy.
func (s sink) StreamMetrics(stream grpc.ClientStreamingServer[metricsv3.StreamMetricsMessage, metricsv3.StreamMetricsResponse]) error {
	var source *signal.Source
	var r signal.Report
	for {
		m, err := stream.Recv()
		if err != nil {
			if source != nil {
				source.Close(time.Now())
			}
			return err
		}
		if source == nil {
			if source, err = s.store.Open(signal.Key{Node: m.GetIdentifier().GetNode().GetId()}, time.Now()); err != nil {
				return err
			}
		}
		message, err := proto.Marshal(m)
		if err == nil {
			err = signal.ReadReport(message, &r)
		}
		if err != nil {
			return err
		}
		source.Report(&r, time.Now())
	}
}
