package xds

import (
	resourcev3 "github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
)

// Resource is a marshalled resource, in the pieces that all responses with it share: what
// comes before its bytes in a response of either protocol, and those. It is immutable.
type Resource struct {
	sotw, delta mem.Buffer
	value       mem.Buffer
}

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

// newResource takes the bytes of a TypedExtensionConfig.
func newResource(name, version string, value []byte) *Resource {
	packed := appendString(nil, anyTypeURL, typedExtensionConfig)
	packed = appendLength(packed, anyValue, len(value))

	one := appendString(nil, resourceVersion, version)
	one = appendString(one, resourceName, name)
	one = appendLength(one, resourceResource, len(packed)+len(value))
	one = append(one, packed...)

	return &Resource{sotw: head(packed, len(value)), delta: head(one, len(value)), value: mem.SliceBuffer(value)}
}

// head is what comes before the bytes of a response's one resource: its beginning is given.
func head(begun []byte, rest int) mem.Buffer {
	b := appendString(nil, responseTypeURL, resourcev3.ExtensionConfigType)
	b = appendLength(b, responseResources, len(begun)+rest)
	return mem.SliceBuffer(append(b, begun...))
}

// sotwMessage is the response with the resource.
func (r *Resource) sotwMessage(versionInfo []byte, nonce string) mem.BufferSlice {
	tail := make([]byte, 0, len(versionInfo)+len(nonce)+tagRoom)
	if len(versionInfo) > 0 {
		tail = protowire.AppendBytes(protowire.AppendTag(tail, responseVersionInfo, protowire.BytesType), versionInfo)
	}
	return mem.BufferSlice{r.sotw, r.value, mem.SliceBuffer(appendString(tail, responseNonce, nonce))}
}

// deltaMessage is the response with the resource.
func (r *Resource) deltaMessage(nonce string) mem.BufferSlice {
	tail := appendString(make([]byte, 0, len(nonce)+tagRoom), responseNonce, nonce)
	return mem.BufferSlice{r.delta, r.value, mem.SliceBuffer(tail)}
}

// tagRoom is enough for the tags and lengths of two fields.
const tagRoom = 8

func appendString(b []byte, field protowire.Number, s string) []byte {
	if s == "" {
		return b
	}
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), s)
}

func appendLength(b []byte, field protowire.Number, n int) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.BytesType), uint64(n))
}
