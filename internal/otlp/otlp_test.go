package otlp

import (
	"compress/gzip"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"github.com/wasm-xds/wasm-xds/internal/trace"
)

// request is a request that a collector got.
type request struct {
	header string // x-api-key
	spans  []*tracepb.Span
	name   string // service.name
}

type collector struct {
	v1.UnimplementedTraceServiceServer
	got chan request
}

func (c collector) take(header []string, r *v1.ExportTraceServiceRequest) {
	one := request{header: strings.Join(header, ",")}
	for _, of := range r.GetResourceSpans() {
		one.name = of.GetResource().GetAttributes()[0].GetValue().GetStringValue()
		for _, scope := range of.GetScopeSpans() {
			one.spans = append(one.spans, scope.GetSpans()...)
		}
	}
	c.got <- one
}

// Export is OTLP over gRPC.
func (c collector) Export(ctx context.Context, r *v1.ExportTraceServiceRequest) (*v1.ExportTraceServiceResponse, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	c.take(md.Get("x-api-key"), r)
	return &v1.ExportTraceServiceResponse{}, nil
}

// ServeHTTP is OTLP over HTTP.
func (c collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		var err error
		if body, err = gzip.NewReader(r.Body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	}
	text, err := io.ReadAll(body)
	var all v1.ExportTraceServiceRequest
	if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(text, &all) != nil {
		http.Error(w, "no traces", http.StatusNotFound)
		return
	}
	c.take(r.Header.Values("x-api-key"), &all)
}

type counts struct {
	mu            sync.Mutex
	sent, dropped int
}

func (c *counts) SpansSent(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent += n
}

func (c *counts) SpansDropped(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dropped += n
}

func span(name, problem string) trace.Span {
	return trace.Span{
		Trace: [16]byte{1}, ID: [8]byte{2}, Name: name, Start: time.Unix(10, 0), End: time.Unix(11, 0), Error: problem,
		Attributes: []trace.Attribute{{Key: "wasm_xds.filter", Value: "auth"}, {Key: "wasm_xds.envoys", Value: 3}},
		Events:     []trace.Event{{Name: "soaked", At: time.Unix(10, 5)}},
	}
}

// TestCollectors sends a span over gRPC and over HTTP, with a header from the environment.
func TestCollectors(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-api-key=s3cret")
	to := collector{got: make(chan request, 10)}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	v1.RegisterTraceServiceServer(server, to)
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(ln) })
	defer serving.Wait()
	defer server.Stop()
	web := httptest.NewServer(to)
	defer web.Close()
	for _, endpoint := range []string{"grpc://" + ln.Addr().String(), ln.Addr().String(), web.URL, web.URL + "/v1/traces/"} {
		e, err := Open(endpoint)
		if err != nil {
			t.Fatal(err)
		}
		core, logs := observer.New(zapcore.DebugLevel)
		metrics := &counts{}
		e.Start("control", "v1", metrics, zap.New(core))
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { e.Run(ctx) })
		e.Take(span("edit auth", "it does not load"))
		cancel() // the end sends the rest
		got := <-to.got
		running.Wait()
		if got.header != "s3cret" || got.name != "wasm-xds" || len(got.spans) != 1 {
			t.Fatalf("%s: got %+v", endpoint, got)
		}
		s := got.spans[0]
		if s.GetName() != "edit auth" || s.GetStatus().GetCode() != tracepb.Status_STATUS_CODE_ERROR || s.GetStatus().GetMessage() != "it does not load" ||
			len(s.GetAttributes()) != 2 || len(s.GetEvents()) != 1 || len(s.GetParentSpanId()) != 0 || s.GetEndTimeUnixNano() != 11e9 {
			t.Errorf("%s: got %v", endpoint, s)
		}
		if metrics.sent != 1 || metrics.dropped != 0 || logs.Len() != 0 {
			t.Errorf("%s: %+v, %d lines", endpoint, metrics, logs.Len())
		}
	}
}

// TestNoCollectorDelaysNobody: spans are dropped, with a single line in the log and without the
// secret headers.
func TestNoCollectorDelaysNobody(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-api-key=s3cret")
	refusing := httptest.NewServer(http.NotFoundHandler())
	defer refusing.Close()
	e, err := Open(refusing.URL)
	if err != nil {
		t.Fatal(err)
	}
	core, logs := observer.New(zapcore.DebugLevel)
	metrics := &counts{}
	e.Start("control", "v1", metrics, zap.New(core))
	for range mostWaiting + 10 {
		e.Take(span("edit auth", ""))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	e.Run(ctx)
	if metrics.dropped != mostWaiting+10 || metrics.sent != 0 {
		t.Errorf("%+v", metrics)
	}
	if logs.Len() != 1 {
		t.Errorf("%d lines in the log, want one", logs.Len())
	}
	for _, line := range logs.All() {
		for _, value := range line.ContextMap() {
			if text, is := value.(string); is && strings.Contains(text, "s3cret") {
				t.Errorf("the log has the header: %s", text)
			}
		}
	}
}

func TestEndpoints(t *testing.T) {
	for _, endpoint := range []string{"ftp://a:1", "http://", "grpc://", "http://user:s3cret@a:4318", "://"} {
		if _, err := Open(endpoint); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", endpoint, err)
		}
	}
	if e, err := Open(""); e != nil || err != nil {
		t.Errorf("no endpoint: %v, %v", e, err)
	}
}
