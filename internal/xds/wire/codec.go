package wire

import (
	"google.golang.org/grpc/encoding"
	protocodec "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
)

// Codec is gRPC's codec for protobuf, but [Outgoing] and [Incoming] pass as encoded bytes. Requests
// of several frames use buffers of the codec's own: a stream's first request has 60 KB, for which
// gRPC would take a megabyte.
type Codec struct {
	encoding.CodecV2
	buffers mem.BufferPool
}

// NewCodec makes the codec of a server.
func NewCodec() Codec {
	return Codec{encoding.GetCodecV2(protocodec.Name), mem.NewTieredBufferPool(4<<10, 16<<10, 64<<10, 128<<10, 1<<20)}
}

// Outgoing is an encoded response.
type Outgoing struct{ Message mem.BufferSlice }

// Incoming is an encoded request. The reader frees the message.
type Incoming struct{ Message mem.Buffer }

// Marshal encodes a message.
func (c Codec) Marshal(v any) (mem.BufferSlice, error) {
	if out, ok := v.(*Outgoing); ok {
		return out.Message, nil
	}
	return c.CodecV2.Marshal(v)
}

// Unmarshal decodes a message.
func (c Codec) Unmarshal(data mem.BufferSlice, v any) error {
	if in, ok := v.(*Incoming); ok {
		in.Message = data.MaterializeToBuffer(c.buffers)
		return nil
	}
	return c.CodecV2.Unmarshal(data, v)
}
