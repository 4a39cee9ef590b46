package xds

import (
	resourcev3 "github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
)

// Resource is a marshalled resource, in the pieces of either protocol that all responses with the
// resource share. Immutable.
type Resource struct{ sotw, delta mem.BufferSlice }

// Len is the number of bytes of the resource in a response.
func (r *Resource) Len() int { return r.delta.Len() }

// smallValue is the length up to which a part of a resource is copied, to become one piece with its
// neighbours. A response of several resources then has half as many pieces.
const smallValue = 4 << 10

const typedExtensionConfig = "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig"

// The fields of DiscoveryResponse, DeltaDiscoveryResponse, Resource and Any.
const (
	responseVersionInfo = 1
	responseResources   = 2
	responseTypeURL     = 4
	responseNonce       = 5
	resourceVersion     = 1
	resourceResource    = 2
	resourceName        = 3
	anyTypeURL          = 1
	anyValue            = 2
)

// newResource takes the bytes of a TypedExtensionConfig, in parts. The resource keeps the large
// parts, which must not be changed, and copies the small parts.
func newResource(name, version string, value ...[]byte) *Resource {
	length := 0
	for _, part := range value {
		length += len(part)
	}
	packed := appendString(nil, anyTypeURL, typedExtensionConfig)
	packed = appendLength(packed, anyValue, length)

	one := appendString(nil, resourceVersion, version)
	one = appendString(one, resourceName, name)
	one = appendLength(one, resourceResource, len(packed)+length)
	one = append(one, packed...)

	return &Resource{sotw: pieces(packed, length, value), delta: pieces(one, length, value)}
}

// pieces are the pieces of a resource in a response, from the given beginning and the value of that
// length.
func pieces(begun []byte, length int, value [][]byte) mem.BufferSlice {
	small := append(appendLength(nil, responseResources, len(begun)+length), begun...)
	var all mem.BufferSlice
	for _, part := range value {
		if len(part) <= smallValue {
			small = append(small, part...)
			continue
		}
		if len(small) > 0 {
			all, small = append(all, mem.SliceBuffer(small)), nil
		}
		all = append(all, mem.SliceBuffer(part))
	}
	if len(small) > 0 {
		all = append(all, mem.SliceBuffer(small))
	}
	return all
}

// sotwMessage is the response as it travels.
func (r *response) sotwMessage(versionInfo []byte, nonce string) mem.BufferSlice {
	message := make(mem.BufferSlice, 0, r.pieces())
	message = append(message, r.resource.sotw...)
	for i := range r.others {
		message = append(message, r.others[i].resource.sotw...)
	}
	tail := make([]byte, 0, len(versionInfo)+len(nonce)+tailRoom)
	if len(versionInfo) > 0 {
		tail = protowire.AppendBytes(protowire.AppendTag(tail, responseVersionInfo, protowire.BytesType), versionInfo)
	}
	return append(message, mem.SliceBuffer(appendTail(tail, nonce)))
}

// deltaMessage is the response as it travels.
func (r *response) deltaMessage(nonce string) mem.BufferSlice {
	message := make(mem.BufferSlice, 0, r.pieces())
	message = append(message, r.resource.delta...)
	for i := range r.others {
		message = append(message, r.others[i].resource.delta...)
	}
	return append(message, mem.SliceBuffer(appendTail(make([]byte, 0, len(nonce)+tailRoom), nonce)))
}

// pieces is the number of pieces of all resources and the tail.
func (r *response) pieces() int {
	n := len(r.resource.sotw) + 1
	for i := range r.others {
		n += len(r.others[i].resource.sotw)
	}
	return n
}

// tailRoom is enough for the type, and the tags and lengths of three fields.
const tailRoom = len(resourcev3.ExtensionConfigType) + 12

func appendTail(b []byte, nonce string) []byte {
	return appendString(appendString(b, responseTypeURL, resourcev3.ExtensionConfigType), responseNonce, nonce)
}

func appendString(b []byte, field protowire.Number, s string) []byte {
	if s == "" {
		return b
	}
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), s)
}

func appendLength(b []byte, field protowire.Number, n int) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.BytesType), uint64(n))
}
