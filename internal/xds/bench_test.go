package xds

import (
	"fmt"
	"strings"
	"testing"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

type oneModule []byte

func (m oneModule) Read(string) ([]byte, error) { return m, nil }

func inline(salt string) delivery.Send {
	s := send(1, "auth", salt)
	s.Revision = (&snapshot.Revision{
		Filter: "auth", Type: spec.HTTP, Policy: spec.Closed, Module: snapshot.Module{SHA256: strings.Repeat("0", 64), Size: 100_000},
		VM: snapshot.VM{Runtime: "envoy.wasm.runtime.v8"},
	}).Seal()
	s.Version.Revision = s.Revision.ID
	return s
}

// built is a builder that has the resource, with a module of 100 KB.
func built100KB(t testing.TB) (*ResourceBuilder, delivery.Send) {
	b := NewBuilder(oneModule(make([]byte, 100_000)), Addresses{})
	a := inline(salt1)
	if _, err := b.Build(a); err != nil {
		t.Fatal(err)
	}
	return b, a
}

func deltaResponse(a delivery.Send, resource *anypb.Any) *discoveryv3.DeltaDiscoveryResponse {
	return &discoveryv3.DeltaDiscoveryResponse{
		TypeUrl: typedExtensionConfig, Nonce: "1",
		Resources: []*discoveryv3.Resource{{Name: a.Name, Version: a.Version.String(), Resource: resource}},
	}
}

// BenchmarkSharedResource is what one more Envoy costs that gets the same resource,
// up to gRPC.
func BenchmarkSharedResource(b *testing.B) {
	builder, a := built100KB(b)
	codec := newCodec()
	b.ReportAllocs()
	for b.Loop() {
		message, err := codec.Marshal(deltaResponse(a, builder.Cached(a)))
		if err != nil {
			b.Fatal(err)
		}
		message.Free()
	}
}

// BenchmarkNewSalt is a resource for one Envoy alone, as remote code's is.
func BenchmarkNewSalt(b *testing.B) {
	builder, a := built100KB(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		a.Version.Salt = fmt.Sprintf("%016x", i)
		builder.Cached(a)
	}
}

// TestAllocationsPerResponse: however large the resource, one more Envoy that gets it
// costs some small pieces of memory, and no copy.
func TestAllocationsPerResponse(t *testing.T) {
	builder, a := built100KB(t)
	codec := newCodec()
	response := deltaResponse(a, builder.Cached(a))
	const most = 12
	if n := testing.AllocsPerRun(100, func() {
		builder.Cached(a)
		message, err := codec.Marshal(response)
		if err != nil {
			t.Fatal(err)
		}
		message.Free()
	}); n > most {
		t.Errorf("%.0f allocations a response, at most %d", n, most)
	} else {
		t.Logf("%.0f allocations a response", n)
	}
	message, err := codec.Marshal(response)
	if err != nil {
		t.Fatal(err)
	}
	if shared := message[1].ReadOnlyData(); &shared[0] != &response.GetResources()[0].GetResource().GetValue()[0] {
		t.Error("the resource was copied")
	}
}

// twoHundred names of a SotW stream, all accepted.
func twoHundred() subscribed {
	versions := map[string]string{}
	for i := range 200 {
		versions[fmt.Sprintf("filter-%03d", i)] = "0123456789ab.i" + salt1
	}
	return listed(versions)
}

// TestAllocationsOfVersionInfo: SotW lists all names in each response, in one string.
func TestAllocationsOfVersionInfo(t *testing.T) {
	all := twoHundred()
	if n := testing.AllocsPerRun(100, func() { all.versionInfo("filter-100", "0123456789ab.i"+salt2) }); n > 1 {
		t.Errorf("%.0f allocations, want 1", n)
	}
}

// BenchmarkVersionInfo is SotW's list of 200 names.
func BenchmarkVersionInfo(b *testing.B) {
	all := twoHundred()
	b.ReportAllocs()
	for b.Loop() {
		all.versionInfo("filter-100", "0123456789ab.i"+salt2)
	}
}
