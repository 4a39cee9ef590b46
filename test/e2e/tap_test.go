package e2e_test

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// tap is a proxy between Envoys and a control plane. The tap records the number of resources in
// each response.
type tap struct {
	t       *testing.T
	address string
	conn    *grpc.ClientConn

	mu        sync.Mutex
	responses []int
	nacks     []string
}

func startTap(t *testing.T, controlPlane string) *tap {
	t.Helper()
	conn, err := grpc.NewClient(controlPlane, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(bytesCodec{}), grpc.MaxCallRecvMsgSize(64<<20)))
	if err != nil {
		t.Fatal(err)
	}
	w := &tap{t: t, address: harness.Loopback(harness.FreePort(t)), conn: conn}
	listener := harness.Listen(t, w.address)
	server := grpc.NewServer(grpc.ForceServerCodecV2(bytesCodec{}), grpc.MaxRecvMsgSize(64<<20),
		grpc.UnknownServiceHandler(func(_ any, s grpc.ServerStream) error { return w.pass(s) }))
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	t.Cleanup(func() {
		server.Stop()
		serving.Wait()
		_ = conn.Close()
	})
	return w
}

// pass connects a stream to a stream of the control plane until either ends.
func (w *tap) pass(from grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(from)
	md, _ := metadata.FromIncomingContext(from.Context())
	desc := &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}
	to, err := w.conn.NewStream(metadata.NewOutgoingContext(from.Context(), md), desc, method)
	if err != nil {
		return err
	}
	go func() {
		for {
			var m []byte
			if from.RecvMsg(&m) != nil {
				_ = to.CloseSend()
				return
			}
			w.noteRequest(m, strings.Contains(method, "Delta"))
			if to.SendMsg(&m) != nil {
				return
			}
		}
	}()
	for {
		var m []byte
		switch err := to.RecvMsg(&m); {
		case err == io.EOF:
			return status.Error(codes.Unavailable, "the control plane has ended the stream")
		case err != nil:
			return err
		}
		w.noteResponse(m, strings.Contains(method, "Delta"))
		if err := from.SendMsg(&m); err != nil {
			return err
		}
	}
}

func (w *tap) noteRequest(m []byte, delta bool) {
	var text string
	if delta {
		var r discoveryv3.DeltaDiscoveryRequest
		w.read(m, &r)
		text = r.GetErrorDetail().GetMessage()
	} else {
		var r discoveryv3.DiscoveryRequest
		w.read(m, &r)
		text = r.GetErrorDetail().GetMessage()
	}
	if text != "" {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.nacks = append(w.nacks, text)
	}
}

func (w *tap) noteResponse(m []byte, delta bool) {
	var n int
	if delta {
		var r discoveryv3.DeltaDiscoveryResponse
		w.read(m, &r)
		n = len(r.GetResources())
	} else {
		var r discoveryv3.DiscoveryResponse
		w.read(m, &r)
		n = len(r.GetResources())
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.responses = append(w.responses, n)
}

func (w *tap) read(m []byte, into proto.Message) {
	if err := proto.Unmarshal(m, into); err != nil {
		w.t.Error(err)
	}
}

// take returns and clears the record.
func (w *tap) take() (responses []int, nacks []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	responses, nacks = w.responses, w.nacks
	w.responses, w.nacks = nil, nil
	return responses, nacks
}

// bytesCodec passes messages of type *[]byte through unchanged.
type bytesCodec struct{}

func (bytesCodec) Name() string { return "proto" }

func (bytesCodec) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(*v.(*[]byte))}, nil
}

func (bytesCodec) Unmarshal(data mem.BufferSlice, v any) error {
	b, ok := v.(*[]byte)
	if !ok {
		return fmt.Errorf("a message for a %T", v)
	}
	*b = data.Materialize()
	return nil
}
