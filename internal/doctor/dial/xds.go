package dial

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	resourcev3 "github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
	"github.com/wasm-xds/wasm-xds/internal/xds"
)

// askXDS opens a stream as Envoy does, and asks for no filter.
func (t target) askXDS(ctx context.Context, node *envoyconfig.Node) *problem {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	conn, p := t.open(ctx)
	if p != nil {
		return p
	}
	defer conn.Close()
	client, err := dialOver(conn, t.cluster.Name)
	if err != nil {
		return &problem{"not_xds", "cannot be used: " + err.Error(), "name the address of wasm-xds serve --xds-address"}
	}
	defer func() { _ = client.Close() }() // nothing is under way any more
	return cmp.Or(t.isControlPlane(ctx, client), stream(ctx, node, client))
}

// dialOver is a gRPC client over a single connection, which is not opened again.
func dialOver(conn net.Conn, authority string) (*grpc.ClientConn, error) {
	var used atomic.Bool
	return grpc.NewClient("passthrough:///"+authority, grpc.WithAuthority(authority),
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDisableRetry(),
		grpc.WithContextDialer(func(context.Context, string) (net.Conn, error) {
			if used.Swap(true) {
				return nil, net.ErrClosed
			}
			return conn, nil
		}))
}

// isControlPlane asks whether the server is a wasm-xds.
func (t target) isControlPlane(ctx context.Context, client *grpc.ClientConn) *problem {
	err := client.Invoke(ctx, xds.WhoMethod, &discoveryv3.DiscoveryRequest{}, &discoveryv3.DiscoveryResponse{})
	switch s := status.Convert(err); {
	case s.Code() == codes.Unimplemented && s.Message() == xds.WhoAnswer:
		return nil
	case s.Code() == codes.Unimplemented:
		return &problem{"not_wasm_xds", "is another gRPC server: " + s.Message(), "name the address of wasm-xds serve --xds-address"}
	case t.tls == nil && t.speaksTLS(ctx):
		return &problem{"server_has_tls", "speaks TLS, and the cluster does not", "give the cluster a transport_socket, as wasm-xds bootstrap --tls-ca-file does"}
	case strings.Contains(s.Message(), "remote error: tls"):
		return refusedByServer(s.Message())
	default:
		if alert := t.refused(ctx); alert != "" {
			return refusedByServer(alert)
		}
		return &problem{"not_xds", "does not answer gRPC: " + s.Message(), "name the address of wasm-xds serve --xds-address; the modules and the API have other ports"}
	}
}

// stream opens a stream with the node of the bootstrap. The control plane ends the stream of a
// refused node.
func stream(ctx context.Context, node *envoyconfig.Node, client *grpc.ClientConn) *problem {
	str, err := discoveryv3.NewAggregatedDiscoveryServiceClient(client).StreamAggregatedResources(ctx)
	if err == nil {
		err = str.Send(&discoveryv3.DiscoveryRequest{Node: nodeOf(node), TypeUrl: resourcev3.ExtensionConfigType})
	}
	if err == nil || errors.Is(err, io.EOF) {
		ended := make(chan error, 1)
		go func() {
			_, err := str.Recv()
			ended <- err
		}()
		timer := time.NewTimer(quiet)
		defer timer.Stop()
		select {
		case err = <-ended:
		case <-timer.C:
			return nil
		}
	}
	if err == nil {
		return nil // an answer
	}
	return &problem{"stream_refused", "refuses the stream of this Envoy: " + status.Convert(err).Message(), "compare the node of the bootstrap with the rules of the control plane"}
}

// nodeOf is the node of a bootstrap.
func nodeOf(n *envoyconfig.Node) *corev3.Node {
	node := &corev3.Node{Id: n.Scalar("id"), Cluster: n.Scalar("cluster"), UserAgentName: "wasm-xds doctor"}
	if fields := n.Get("metadata"); fields != nil {
		node.Metadata = &structpb.Struct{Fields: map[string]*structpb.Value{}}
		for _, e := range fields.Entries {
			node.Metadata.Fields[e.Key.Text] = structpb.NewStringValue(e.Value.Text)
		}
	}
	return node
}
