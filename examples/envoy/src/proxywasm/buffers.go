package proxywasm

import "math"

// Buffer is one of the buffers of the current context. A buffer exists only in its own callback;
// elsewhere the methods return [ErrBadArgument] or [ErrNotFound].
//
// A body comes in pieces. If a filter returns [Pause] until the end of the stream, the buffer has
// the whole body at the end.
type Buffer uint32

// The buffers of the ABI.
const (
	RequestBody      Buffer = 0
	ResponseBody     Buffer = 1
	DownstreamData   Buffer = 2
	UpstreamData     Buffer = 3
	CallResponseBody Buffer = 4

	vmConfiguration     Buffer = 6
	pluginConfiguration Buffer = 7
	callData            Buffer = 8
)

// Bytes returns the whole content.
func (b Buffer) Bytes() ([]byte, error) { return b.Read(0, math.MaxInt32) }

// Read returns size bytes of the content from the byte start on, or fewer bytes if the content
// ends before. start must not lie behind the end.
func (b Buffer) Read(start, size int) ([]byte, error) {
	if start < 0 || size < 0 || start > math.MaxInt32 {
		return nil, ErrBadArgument
	}
	most := uint32(min(size, math.MaxInt32))
	return receive(func(address, got *uint32) uint32 {
		return proxyGetBufferBytes(uint32(b), uint32(start), most, address, got)
	})
}

// Size returns the number of bytes of the content. Envoy 1.36 and later know the size of
// [RequestBody], [ResponseBody], [DownstreamData] and [UpstreamData].
func (b Buffer) Size() (int, error) {
	var size, flags uint32
	err := asError(proxyGetBufferStatus(uint32(b), &size, &flags))
	return int(size), err
}

// Set replaces the whole content. If the content is the body of a message with the header
// content-length, remove the header first.
func (b Buffer) Set(content []byte) error {
	return asError(proxySetBufferBytes(uint32(b), 0, math.MaxInt32, text(content)))
}

// Prepend puts bytes before the content.
func (b Buffer) Prepend(content []byte) error {
	return asError(proxySetBufferBytes(uint32(b), 0, 0, text(content)))
}

// Append puts bytes behind the content.
func (b Buffer) Append(content []byte) error {
	return asError(proxySetBufferBytes(uint32(b), math.MaxInt32, 0, text(content)))
}
