package xds

import (
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"

	"github.com/wasm-xds/wasm-xds/internal/xds/wire"
)

// readBuffer fits ACKs of some hundred bytes, which most requests are. With thousands of
// connections, a larger buffer would be unused memory. Larger requests are read past the buffer.
const readBuffer = 2 << 10

// GRPCOptions are the server options of the xDS service: keepalive both ways, to notice a dead peer
// in seconds, room for long lists of names, and little memory for each connection.
//
// The limit of streams on a connection also bounds the memory that a client can take which opens
// streams and resets them at once (CVE-2023-44487): gRPC begins no handler beyond the limit.
func GRPCOptions(limits Limits) []grpc.ServerOption {
	limits = limits.WithDefaults()
	return []grpc.ServerOption{
		grpc.ForceServerCodecV2(wire.NewCodec()),
		grpc.WaitForHandlers(true), // Stop returns when no stream's goroutine is left
		grpc.MaxRecvMsgSize(limits.RequestSize),
		grpc.ReadBufferSize(readBuffer),
		// Fixed windows turn off gRPC's search for the best window, which sends a ping for each
		// request.
		grpc.StaticStreamWindowSize(int32(limits.StreamWindow)), grpc.StaticConnWindowSize(int32(limits.ConnectionWindow)),
		grpc.MaxConcurrentStreams(uint32(limits.StreamsPerConnection)),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			Time: 15 * time.Second, Timeout: 10 * time.Second, MaxConnectionIdle: limits.ConnectionIdle,
			// After the age, Envoy has some seconds to connect anew before its streams end.
			MaxConnectionAge: limits.ConnectionAge, MaxConnectionAgeGrace: 5 * time.Second,
		}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}),
	}
}
