// Package otlp sends spans to an OpenTelemetry collector, with OpenTelemetry's own client.
//
// [Exporter.Take] takes a span without waiting. A goroutine sends the spans in batches. If the
// collector does not answer, spans are dropped, and nothing else waits for it.
package otlp

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/trace"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

const (
	// mostWaiting bounds the spans that wait, and batch the spans of a request. A span has some
	// hundred bytes.
	mostWaiting = 4096
	batch       = 512
	// every is the longest time between the end of a span and its request.
	every = time.Second
	// sendLimit bounds a request with its repetitions, and lastLimit the last.
	sendLimit = 30 * time.Second
	lastLimit = 2 * time.Second
)

// Metrics counts spans. Any goroutine may call the methods.
type Metrics interface {
	SpansSent(n int)
	SpansDropped(n int)
}

// Exporter sends spans. Any goroutine may call the methods.
type Exporter struct {
	client   otlptrace.Client
	name     string // the collector's host, for the log
	resource *resourcepb.Resource
	spans    chan trace.Span
	metrics  Metrics
	log      *zap.Logger
	failing  atomic.Bool
}

// Open makes an exporter for an endpoint: grpc://host:port or host:port for OTLP over gRPC,
// grpcs:// for the same with TLS, and http:// or https:// for OTLP over HTTP. It connects to nobody
// yet. The environment may set headers, timeouts and certificates, with the variables that
// OpenTelemetry specifies, like OTEL_EXPORTER_OTLP_HEADERS. "" gives nil, which takes nothing.
func Open(endpoint string) (*Exporter, error) {
	if endpoint == "" {
		return nil, nil
	}
	client, host, err := clientOf(endpoint)
	if err != nil {
		return nil, err
	}
	return &Exporter{client: client, name: host, spans: make(chan trace.Span, mostWaiting)}, nil
}

func clientOf(endpoint string) (client otlptrace.Client, host string, err error) {
	text := endpoint
	if !strings.Contains(text, "://") {
		text = "grpc://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil {
		return nil, "", badEndpoint()
	}
	switch u.Scheme {
	case "grpc":
		return otlptracegrpc.NewClient(otlptracegrpc.WithEndpoint(u.Host), otlptracegrpc.WithInsecure()), u.Host, nil
	case "grpcs":
		return otlptracegrpc.NewClient(otlptracegrpc.WithEndpointURL("https://" + u.Host)), u.Host, nil
	case "http", "https":
		const tail = "/v1/traces"
		u.Path = strings.TrimSuffix(strings.TrimSuffix(u.Path, "/"), tail) + tail
		return otlptracehttp.NewClient(otlptracehttp.WithEndpointURL(u.String())), u.Host, nil
	default:
		return nil, "", badEndpoint()
	}
}

func badEndpoint() error {
	return &spec.Error{
		Code: "bad_otlp_endpoint", Message: "the value of --otlp-endpoint names no collector",
		Hint: "give grpc://host:4317, grpcs://host:4317, http://host:4318 or https://host:4318; secrets belong into OTEL_EXPORTER_OTLP_HEADERS",
	}
}

// Take takes a span, or drops it if too many wait. A nil Exporter takes nothing.
func (e *Exporter) Take(s trace.Span) {
	select {
	case e.spans <- s:
	default:
		e.metrics.SpansDropped(1)
	}
}

// Start completes the exporter. It must come before [Exporter.Take].
func (e *Exporter) Start(host, version string, metrics Metrics, log *zap.Logger) {
	e.metrics, e.log = metrics, log.With(zap.String("collector", e.name))
	e.resource = &resourcepb.Resource{Attributes: []*commonpb.KeyValue{
		text("service.name", "wasm-xds"), text("service.version", version), text("host.name", host),
	}}
}

// Run sends spans until ctx ends, and then the rest.
func (e *Exporter) Run(ctx context.Context) {
	if err := e.client.Start(context.WithoutCancel(ctx)); err != nil {
		e.log.Error("traces cannot be sent", zap.Error(err))
		return
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-ticker.C:
			e.send(ctx, sendLimit)
		}
	}
	last := context.WithoutCancel(ctx)
	e.send(last, lastLimit)
	stop, cancel := context.WithTimeout(last, lastLimit)
	defer cancel()
	_ = e.client.Stop(stop) // the process ends
}

// send sends all spans that wait.
func (e *Exporter) send(ctx context.Context, limit time.Duration) {
	for {
		spans := e.take()
		if len(spans) == 0 {
			return
		}
		one, cancel := context.WithTimeout(ctx, limit)
		err := e.client.UploadTraces(one, []*tracepb.ResourceSpans{{
			Resource:   e.resource,
			ScopeSpans: []*tracepb.ScopeSpans{{Scope: &commonpb.InstrumentationScope{Name: "wasm-xds"}, Spans: spans}},
		}})
		cancel()
		if err == nil {
			e.metrics.SpansSent(len(spans))
			if e.failing.Swap(false) {
				e.log.Info("traces can be sent again")
			}
			continue
		}
		e.metrics.SpansDropped(len(spans))
		if !e.failing.Swap(true) {
			e.log.Warn("traces cannot be sent, and are dropped", zap.Error(err),
				zap.String("hint", "look whether the collector of --otlp-endpoint runs and this machine reaches it"))
		}
	}
}

// take returns a batch of the spans that wait.
func (e *Exporter) take() (spans []*tracepb.Span) {
	for len(spans) < batch {
		select {
		case s := <-e.spans:
			spans = append(spans, convert(&s))
		default:
			return spans
		}
	}
	return spans
}

// convert is the form of a span on the wire.
func convert(s *trace.Span) *tracepb.Span {
	out := &tracepb.Span{
		TraceId: s.Trace[:], SpanId: s.ID[:], Name: s.Name, Kind: tracepb.Span_SPAN_KIND_INTERNAL,
		StartTimeUnixNano: uint64(s.Start.UnixNano()), EndTimeUnixNano: uint64(s.End.UnixNano()),
	}
	if s.Parent != ([8]byte{}) {
		out.ParentSpanId = s.Parent[:]
	}
	for _, a := range s.Attributes {
		out.Attributes = append(out.Attributes, attribute(a))
	}
	for _, e := range s.Events {
		one := &tracepb.Span_Event{Name: e.Name, TimeUnixNano: uint64(e.At.UnixNano())}
		if e.Text != "" {
			one.Attributes = []*commonpb.KeyValue{text("message", e.Text)}
		}
		out.Events = append(out.Events, one)
	}
	if s.Error != "" {
		out.Status = &tracepb.Status{Code: tracepb.Status_STATUS_CODE_ERROR, Message: s.Error}
	}
	return out
}

func attribute(a trace.Attribute) *commonpb.KeyValue {
	switch value := a.Value.(type) {
	case int:
		return &commonpb.KeyValue{Key: a.Key, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_IntValue{IntValue: int64(value)}}}
	case bool:
		return &commonpb.KeyValue{Key: a.Key, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_BoolValue{BoolValue: value}}}
	default:
		return text(a.Key, fmt.Sprint(value))
	}
}

func text(key, value string) *commonpb.KeyValue {
	return &commonpb.KeyValue{Key: key, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: strings.ToValidUTF8(value, "�")}}}
}
