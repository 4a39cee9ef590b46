package simenvoy

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"
)

// The HTTP/2 windows that Envoy grants. Fixed windows also turn off gRPC's probing for the best
// window, which Envoy does not do.
const (
	streamWindow     = 16 << 20
	connectionWindow = 24 << 20
)

// maxResponse is the largest accepted response in bytes. Inline modules are large.
const maxResponse = 256 << 20

// Dial returns a connection for [Config.Conn].
func Dial(address string) (*grpc.ClientConn, error) {
	return grpc.NewClient("passthrough:///"+address,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(rawCodec{}), grpc.MaxCallRecvMsgSize(maxResponse)),
		grpc.WithStaticStreamWindowSize(streamWindow), grpc.WithStaticConnWindowSize(connectionWindow),
		grpc.WithReadBufferSize(8<<10),
		grpc.WithIdleTimeout(0), grpc.WithNoProxy(), grpc.WithDisableServiceConfig(), grpc.WithDisableHealthCheck(),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 2 * time.Second},
			MinConnectTimeout: 20 * time.Second,
		}))
}

// Envoy is a running simulated Envoy. Its methods may be called from any goroutine.
type Envoy struct {
	cfg     Config
	node    []byte
	conn    *grpc.ClientConn
	cancel  context.CancelFunc
	running sync.WaitGroup
	code    codeCache
	counts  counts
}

type counts struct {
	responses, bytesIn, bytesOut, acks, nacks, streams atomic.Int64
}

// Counts are an Envoy's totals so far. The byte counts cover the messages without HTTP/2's
// overhead.
type Counts struct {
	Responses, BytesIn, BytesOut, ACKs, NACKs int64
	Streams                                   int64 // opened streams; each reconnect counts
}

// Start starts an Envoy. The Envoy connects in the background, and reconnects until ctx ends or
// Close is called.
func Start(ctx context.Context, cfg Config) (*Envoy, error) {
	if cfg.Names == nil || cfg.Names.Len() == 0 {
		return nil, errors.New("simenvoy: no names to subscribe to")
	}
	if cfg.Mode == "" {
		cfg.Mode = ADSDelta
	}
	if cfg.Node == nil {
		cfg.Node = NewNode("edge-1", "edge")
	}
	if cfg.Backoff == 0 {
		cfg.Backoff = 500 * time.Millisecond
	}
	node, err := proto.Marshal(cfg.Node)
	if err != nil {
		return nil, fmt.Errorf("simenvoy: node: %w", err)
	}
	e := &Envoy{cfg: cfg, conn: cfg.Conn, node: node}
	if e.conn == nil {
		if e.conn, err = Dial(cfg.Address); err != nil {
			return nil, fmt.Errorf("simenvoy: %w", err)
		}
	}
	ctx, e.cancel = context.WithCancel(ctx)
	e.code.init(ctx, cfg.Modules)
	for _, names := range e.subscriptions() {
		s := newStream(e, names)
		e.running.Go(func() { s.run(ctx) })
	}
	return e, nil
}

// subscriptions returns the names of each stream.
func (e *Envoy) subscriptions() []*Names {
	if e.cfg.Mode.ads() {
		return []*Names{e.cfg.Names}
	}
	var each []*Names
	for _, name := range e.cfg.Names.list {
		each = append(each, NewNames(name))
	}
	return each
}

// Counts returns the totals so far.
func (e *Envoy) Counts() Counts {
	return Counts{
		Responses: e.counts.responses.Load(), BytesIn: e.counts.bytesIn.Load(), BytesOut: e.counts.bytesOut.Load(),
		ACKs: e.counts.acks.Load(), NACKs: e.counts.nacks.Load(), Streams: e.counts.streams.Load(),
	}
}

// Close stops the Envoy and waits for the goroutines.
func (e *Envoy) Close() {
	e.cancel()
	e.running.Wait()
	e.code.wait()
	if e.cfg.Conn == nil {
		_ = e.conn.Close() // fails only if the connection is closed already
	}
}
