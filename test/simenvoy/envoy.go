package simenvoy

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
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

// Config describes a simulated Envoy. The comment of a field names the meaning of the zero value.
type Config struct {
	// Address is the control plane as host:port. If Conn is set, the Envoy uses Conn instead and
	// does not close it. Several Envoys can share a connection.
	Address string
	Conn    *grpc.ClientConn
	Mode    Mode         // "": ADSDelta
	Node    *corev3.Node // nil: NewNode("edge-1", "edge")
	Names   *Names       // the filters; required
	// Judge returns the reason for a refusal, or nil to accept the resource. A nil Judge accepts
	// everything. The bytes are a TypedExtensionConfig and are valid only during the call.
	Judge func(name, version string, resource []byte) error
	// Updated is called with each resource after the Envoy has sent the answer. The calls come
	// from the stream's goroutine. May be nil. The bytes are valid only during the call.
	Updated func(Update)
	// Modules is the module server as host:port. The address stands in for the cluster named by
	// remote code. "": the Envoy accepts remote code without a download.
	Modules string
	// AtOnce makes the first request ask for all names, like the first request after a reconnect.
	// The Envoy still has no resources. AtOnce saves the many requests of a boot.
	AtOnce bool
	// Backoff is the pause between a lost stream and the next stream. 0: 500 ms, Envoy's first
	// back-off.
	Backoff time.Duration
}

// Update is one resource received by an Envoy.
type Update struct {
	Envoy    *Envoy
	Name     string
	Version  string // the resource's version in delta, version_info in SotW
	Resource []byte
	Err      error // the reason for the refusal; nil: accepted
}

// Envoy is a running simulated Envoy. Its methods may be called from any goroutine.
type Envoy struct {
	cfg     Config
	link    link
	cancel  context.CancelFunc
	running sync.WaitGroup
	code    codeCache
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
	conn := cfg.Conn
	if conn == nil {
		if conn, err = Dial(cfg.Address); err != nil {
			return nil, fmt.Errorf("simenvoy: %w", err)
		}
	}
	e := &Envoy{cfg: cfg, link: link{conn: conn, mode: cfg.Mode, node: node, backoff: cfg.Backoff}}
	e.link.judge, e.link.updated = e.judge, e.updated
	ctx, e.cancel = context.WithCancel(ctx)
	e.code.init(ctx, cfg.Modules)
	for _, names := range e.subscriptions() {
		s := newStream(&e.link, names, cfg.AtOnce)
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
		Responses: e.link.counts.responses.Load(), BytesIn: e.link.counts.bytesIn.Load(), BytesOut: e.link.counts.bytesOut.Load(),
		ACKs: e.link.counts.acks.Load(), NACKs: e.link.counts.nacks.Load(), Streams: e.link.counts.streams.Load(),
	}
}

// Close stops the Envoy and waits for the goroutines.
func (e *Envoy) Close() {
	e.cancel()
	e.running.Wait()
	e.code.wait()
	if e.cfg.Conn == nil {
		_ = e.link.conn.Close() // fails only if the connection is closed already
	}
}

// Fetched returns the number of downloaded modules.
func (e *Envoy) Fetched() int { return e.code.count() }

// judge returns the reason to refuse a resource, or nil.
func (e *Envoy) judge(one *received) error {
	if e.cfg.Judge != nil {
		if err := e.cfg.Judge(one.name, one.version, one.config); err != nil {
			return err
		}
	}
	return e.code.load(one)
}

// updated passes a resource on to [Config.Updated].
func (e *Envoy) updated(one *received, err error) {
	if e.cfg.Updated != nil {
		e.cfg.Updated(Update{Envoy: e, Name: one.name, Version: one.version, Resource: one.config, Err: err})
	}
}
