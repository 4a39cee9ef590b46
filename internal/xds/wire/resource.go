package wire

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

// SmallValue is the length up to which a part of a resource is copied, to become one piece with its
// neighbours. A response of several resources then has half as many pieces.
const SmallValue = 4 << 10

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

// NewResource makes a resource from the bytes of a TypedExtensionConfig, in parts. The resource
// keeps the large parts, which must not be changed, and copies the small parts.
func NewResource(name, version string, value ...[]byte) *Resource {
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
		if len(part) <= SmallValue {
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

// SotW is a DiscoveryResponse with these resources, as it travels.
func SotW(resources []*Resource, versionInfo []byte, nonce string) mem.BufferSlice {
	n := 1
	for _, r := range resources {
		n += len(r.sotw)
	}
	message := make(mem.BufferSlice, 0, n)
	for _, r := range resources {
		message = append(message, r.sotw...)
	}
	end := make([]byte, 0, len(versionInfo)+len(nonce)+endRoom)
	if len(versionInfo) > 0 {
		end = protowire.AppendBytes(protowire.AppendTag(end, responseVersionInfo, protowire.BytesType), versionInfo)
	}
	return append(message, mem.SliceBuffer(appendEnd(end, nonce)))
}

// Delta is a DeltaDiscoveryResponse with these resources, as it travels.
func Delta(resources []*Resource, nonce string) mem.BufferSlice {
	n := 1
	for _, r := range resources {
		n += len(r.delta)
	}
	message := make(mem.BufferSlice, 0, n)
	for _, r := range resources {
		message = append(message, r.delta...)
	}
	return append(message, mem.SliceBuffer(appendEnd(make([]byte, 0, len(nonce)+endRoom), nonce)))
}

// endRoom is enough for the type, and the tags and lengths of three fields.
const endRoom = len(resourcev3.ExtensionConfigType) + 12

// appendEnd adds the fields after the resources.
func appendEnd(b []byte, nonce string) []byte {
	return appendString(appendString(b, responseTypeURL, resourcev3.ExtensionConfigType), responseNonce, nonce)
}
