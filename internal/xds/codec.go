package xds

import (
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc/encoding"
	protocodec "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/anypb"
)

// codec is gRPC's own for protobuf, but that the bytes of a resource, which
// thousands of responses share, are not copied into each of them.
type codec struct{ encoding.CodecV2 }

func newCodec() codec { return codec{encoding.GetCodecV2(protocodec.Name)} }

// Marshal makes the message, of a response with one resource in three pieces: what
// comes before the resource's bytes, those, and what comes after them.
func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	switch r := v.(type) {
	case *discoveryv3.DiscoveryResponse:
		if len(r.GetResources()) == 1 && !r.GetCanary() && r.GetControlPlane() == nil && r.GetResourceErrors() == nil {
			return marshalSotW(r), nil
		}
	case *discoveryv3.DeltaDiscoveryResponse:
		if len(r.GetResources()) == 1 && isPlain(r) {
			return marshalDelta(r), nil
		}
	}
	return c.CodecV2.Marshal(v)
}

// isPlain says whether a response has no fields but those that marshalDelta knows.
func isPlain(r *discoveryv3.DeltaDiscoveryResponse) bool {
	one := r.GetResources()[0]
	return one.GetResource() != nil && r.GetSystemVersionInfo() == "" && r.GetRemovedResources() == nil && r.GetRemovedResourceNames() == nil &&
		r.GetControlPlane() == nil && r.GetResourceErrors() == nil &&
		one.GetResourceName() == nil && one.GetAliases() == nil && one.GetTtl() == nil &&
		one.GetCacheControl() == nil && one.GetMetadata() == nil
}

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

// room is enough for the tags and lengths of one piece.
const room = 48

func marshalSotW(r *discoveryv3.DiscoveryResponse) mem.BufferSlice {
	packed := r.GetResources()[0]
	head := make([]byte, 0, len(r.GetVersionInfo())+len(packed.GetTypeUrl())+room)
	head = appendString(head, responseVersionInfo, r.GetVersionInfo())
	head = appendLength(head, responseResources, sizeOf(packed))
	head = appendPacked(head, packed)
	return pieces(head, packed, r.GetTypeUrl(), r.GetNonce())
}

func marshalDelta(r *discoveryv3.DeltaDiscoveryResponse) mem.BufferSlice {
	one := r.GetResources()[0]
	packed := one.GetResource()
	size := sizeOfString(resourceVersion, one.GetVersion()) + sizeOfString(resourceName, one.GetName()) +
		protowire.SizeTag(resourceResource) + protowire.SizeBytes(sizeOf(packed))
	head := make([]byte, 0, len(one.GetName())+len(one.GetVersion())+len(packed.GetTypeUrl())+room)
	head = appendLength(head, responseResources, size)
	head = appendString(head, resourceVersion, one.GetVersion())
	head = appendString(head, resourceName, one.GetName())
	head = appendLength(head, resourceResource, sizeOf(packed))
	head = appendPacked(head, packed)
	return pieces(head, packed, r.GetTypeUrl(), r.GetNonce())
}

func pieces(head []byte, packed *anypb.Any, typeURL, nonce string) mem.BufferSlice {
	tail := appendString(make([]byte, 0, len(typeURL)+len(nonce)+room), responseTypeURL, typeURL)
	tail = appendString(tail, responseNonce, nonce)
	return mem.BufferSlice{mem.SliceBuffer(head), mem.SliceBuffer(packed.GetValue()), mem.SliceBuffer(tail)}
}

// appendPacked appends an Any up to its value's bytes.
func appendPacked(b []byte, packed *anypb.Any) []byte {
	b = appendString(b, anyTypeURL, packed.GetTypeUrl())
	return appendLength(b, anyValue, len(packed.GetValue()))
}

func sizeOf(packed *anypb.Any) int {
	return sizeOfString(anyTypeURL, packed.GetTypeUrl()) + protowire.SizeTag(anyValue) + protowire.SizeBytes(len(packed.GetValue()))
}

func sizeOfString(field protowire.Number, s string) int {
	if s == "" {
		return 0
	}
	return protowire.SizeTag(field) + protowire.SizeBytes(len(s))
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
