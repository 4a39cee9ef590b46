package xds

import (
	"google.golang.org/grpc/encoding"
	protocodec "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
)

// codec is gRPC's codec for protobuf, but a stream's messages pass as encoded bytes: thousands of
// responses share a resource, and most requests only accept a response. Requests of several frames
// use buffers of the codec's own: a stream's first request has 60 KB, for which gRPC would take a
// megabyte.
type codec struct {
	encoding.CodecV2
	buffers mem.BufferPool
}

func newCodec() codec {
	return codec{encoding.GetCodecV2(protocodec.Name), mem.NewTieredBufferPool(4<<10, 16<<10, 64<<10, 128<<10, 1<<20)}
}

// outgoing is an encoded response.
type outgoing struct{ message mem.BufferSlice }

// incoming is an encoded request. The reader frees the message.
type incoming struct{ message mem.Buffer }

// Marshal encodes a message.
func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	if out, ok := v.(*outgoing); ok {
		return out.message, nil
	}
	return c.CodecV2.Marshal(v)
}

// Unmarshal decodes a message.
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	if in, ok := v.(*incoming); ok {
		in.message = data.MaterializeToBuffer(c.buffers)
		return nil
	}
	return c.CodecV2.Unmarshal(data, v)
}
