package xds

import (
	"context"
	"errors"
	"time"

	accesslogv3 "github.com/envoyproxy/go-control-plane/envoy/service/accesslog/v3"
	metricsv3 "github.com/envoyproxy/go-control-plane/envoy/service/metrics/v3"
	"golang.org/x/time/rate"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"

	"github.com/wasm-xds/wasm-xds/internal/identity"
	"github.com/wasm-xds/wasm-xds/internal/inflow"
	"github.com/wasm-xds/wasm-xds/internal/signal"
	"github.com/wasm-xds/wasm-xds/internal/xds/wire"
)

// The pace of access logs in bytes a second, for a stream and for all. An entry has about 400
// bytes. While a filter of the policy closed has trapped, Envoy logs every request: beyond the
// pace, the server reads more slowly, and Envoy drops entries.
const (
	logsOfStream      = 32 << 10
	logsOfStreamBurst = 1 << 20
	logsOfAll         = 16 << 20
	longestLogPause   = 5 * time.Second // less than the patience of inflow
)

// reports are the services to which Envoys report: their stats, and the requests that failed
// because a module trapped. Any goroutine may call the methods.
type reports struct {
	metricsv3.UnimplementedMetricsServiceServer
	accesslogv3.UnimplementedAccessLogServiceServer
	shared  *shared
	clients *Identities // nil: clients are not identified
	store   *signal.Store
	pace    *rate.Limiter // of all access logs
}

func newReports(all *shared, store *signal.Store) *reports {
	return &reports{shared: all, store: store, pace: rate.NewLimiter(logsOfAll, logsOfAll)}
}

func (r *reports) register(g *grpc.Server) {
	metricsv3.RegisterMetricsServiceServer(g, r)
	accesslogv3.RegisterAccessLogServiceServer(g, r)
}

// StreamMetrics takes an Envoy's stats.
func (r *reports) StreamMetrics(g grpc.ClientStreamingServer[metricsv3.StreamMetricsMessage, metricsv3.StreamMetricsResponse]) error {
	var report signal.Report
	return r.run(g, func(st *reportStream, message []byte) error {
		if err := signal.ReadReport(message, &report); err != nil {
			return errMalformedReport
		}
		if err := st.admit(report.Identifier); err != nil {
			return err
		}
		st.source.Report(&report, time.Now())
		return nil
	})
}

// StreamAccessLogs counts the failed requests in an Envoy's access log, and keeps nothing else.
func (r *reports) StreamAccessLogs(g grpc.ClientStreamingServer[accesslogv3.StreamAccessLogsMessage, accesslogv3.StreamAccessLogsResponse]) error {
	own := rate.NewLimiter(logsOfStream, logsOfStreamBurst)
	return r.run(g, func(st *reportStream, message []byte) error {
		identifier, failed, err := signal.ReadFailures(message)
		if err != nil {
			return errMalformedReport
		}
		if err := st.admit(identifier); err != nil {
			return err
		}
		if failed > 0 {
			st.source.Trap(failed, time.Now())
		}
		return r.pause(g.Context(), own, len(message))
	})
}

var errMalformedReport = status.Error(codes.InvalidArgument, signal.ErrMalformed.Error())

// pause waits until so many bytes fit the paces.
func (r *reports) pause(ctx context.Context, own *rate.Limiter, bytes int) error {
	now := time.Now()
	wait := own.ReserveN(now, min(bytes, own.Burst())).DelayFrom(now)
	wait = min(max(wait, r.pace.ReserveN(now, min(bytes, r.pace.Burst())).DelayFrom(now)), longestLogPause)
	if wait <= 0 {
		return nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	}
}

// reportStream is a stream of reports. Only the handler's goroutine uses it.
type reportStream struct {
	*reports
	address     string
	certificate identity.Certificate
	counted     nodeKey
	id, cluster string
	source      *signal.Source // nil: the node is not known yet
}

// run takes the messages of a stream until it ends. A message belongs to take for the call.
func (r *reports) run(g grpc.ServerStream, take func(*reportStream, []byte) error) error {
	ctx, shared := g.Context(), r.shared
	st := &reportStream{reports: r, address: peerAddress(ctx), certificate: certificateOf(ctx)}
	held := inflow.From(ctx)
	defer held.Close()
	defer st.close()
	if !shared.admission.enter(shared.limits.Streams) {
		return st.refuse(LimitStreams)
	}
	for {
		message, err := st.receive(g)
		if err != nil {
			return err
		}
		size := messageHeader + message.Len()
		err = take(st, message.ReadOnlyData())
		message.Free()
		held.Release(size)
		if err != nil {
			return err
		}
	}
}

func (st *reportStream) receive(g grpc.ServerStream) (mem.Buffer, error) {
	var in wire.Incoming
	err := g.RecvMsg(&in)
	switch {
	case err == nil:
		return in.Message, nil
	case status.Code(err) == codes.ResourceExhausted:
		return nil, st.refuse(LimitRequestSize)
	default:
		return nil, err // the end of the client's side
	}
}

// admit checks the Envoy of a message. The first message describes the node, and the rules about
// clients may change with any.
func (st *reportStream) admit(identifier []byte) error {
	if st.source != nil && st.clients == nil {
		return nil
	}
	limits := st.shared.limits
	if st.source == nil {
		st.id, st.cluster = wire.NodeInIdentifier(identifier)
		switch {
		case st.id == "":
			return status.Error(codes.InvalidArgument, "the first message of the stream has no node with an id")
		case max(len(st.id), len(st.cluster)) > maxNameLength || len(st.id)+len(st.cluster) > limits.NodeSize:
			return st.refuse(LimitNodeSize)
		}
	}
	if all := st.clients; all != nil {
		if _, no := all.Decide(st.certificate, st.id, st.cluster); no != nil {
			all.Refused(RefusedClaim{st.certificate, claimed(no, st.id, st.cluster), st.address, *no})
			return status.Error(codes.PermissionDenied, "wasm-xds ends this stream: "+no.String())
		}
	}
	if st.source != nil {
		return nil
	}
	st.counted = keyOf(st.id, st.address)
	if !st.shared.admission.enterNode(st.counted, limits.StreamsPerNode) {
		return st.refuse(LimitStreamsPerNode)
	}
	source, err := st.store.Open(signal.Key{Node: st.id, Host: inflow.HostOf(st.address)}, time.Now())
	if errors.Is(err, signal.ErrFull) {
		return st.refuse(LimitReportMemory)
	}
	st.source = source
	return err
}

func (st *reportStream) refuse(limit Limit) error {
	shared := st.shared
	most, err := shared.limits.refusal(limit)
	if shared.limits.Refused != nil {
		shared.limits.Refused(Refusal{Limit: limit, Most: most, Node: st.id, Address: st.address})
	}
	return err
}

func (st *reportStream) close() {
	st.shared.admission.leave(st.counted)
	if st.source != nil {
		st.source.Close(time.Now())
	}
}
