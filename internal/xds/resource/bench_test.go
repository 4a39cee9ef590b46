package resource

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc/mem"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/xds/wire"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

type oneModule []byte

func (m oneModule) Read(string) ([]byte, error) { return m, nil }

func inlineSend(salt string) delivery.Send {
	s := send("auth", salt)
	s.Revision = (&snapshot.Revision{
		Filter: "auth", Type: spec.HTTP, Policy: spec.Closed, Module: snapshot.Module{SHA256: strings.Repeat("0", 64), Size: 100_000},
		VM: snapshot.VM{Runtime: "envoy.wasm.runtime.v8"},
	}).Seal()
	s.Version.Revision = s.Revision.ID
	return s
}

// built100KB is a builder that has built a resource with a module of 100 KB.
func built100KB(t testing.TB) (*Builder, delivery.Send) {
	b := NewBuilder(oneModule(make([]byte, 100_000)), Addresses{}, 0)
	a := inlineSend(salt1)
	if _, err := b.Build(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	return b, a
}

// send is a send of a revision without content.
func send(name, salt string) delivery.Send {
	return delivery.Send{
		Stream: 1, Resource: delivery.Resource{
			Name: name, Revision: &snapshot.Revision{ID: "0123456789ab"},
			Version: delivery.Version{Revision: "0123456789ab", Variant: delivery.Inline, Salt: salt},
		},
	}
}

const salt1, salt2 = "0000000100000001", "0000000100000002"

// alone are the resources of a response with one resource.
func alone(r *wire.Resource) []*wire.Resource { return []*wire.Resource{r} }

// BenchmarkSharedResource measures one more Envoy with the same resource, up to gRPC.
func BenchmarkSharedResource(b *testing.B) {
	builder, a := built100KB(b)
	b.ReportAllocs()
	for b.Loop() {
		wire.Delta(alone(builder.Cached(a)), "1")
	}
}

// BenchmarkNewSalt measures a resource for an Envoy alone, like remote code.
func BenchmarkNewSalt(b *testing.B) {
	builder, a := built100KB(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		a.Version.Salt = fmt.Sprintf("%016x", i)
		builder.Cached(a)
	}
}

// TestAllocationsPerResponse: for a resource of any size, one more Envoy costs some small pieces of
// memory, and no copy.
func TestAllocationsPerResponse(t *testing.T) {
	builder, a := built100KB(t)
	versions := []byte("a=b")
	const most = 3
	for name, message := range map[string]func() mem.BufferSlice{
		"delta": func() mem.BufferSlice { return wire.Delta(alone(builder.Cached(a)), "1") },
		"SotW":  func() mem.BufferSlice { return wire.SotW(alone(builder.Cached(a)), versions, "1") },
	} {
		if n := testing.AllocsPerRun(100, func() { message() }); n > most {
			t.Errorf("%s: %.0f allocations a response, at most %d", name, n, most)
		} else {
			t.Logf("%s: %.0f allocations a response", name, n)
		}
		if one, other := message()[1].ReadOnlyData(), message()[1].ReadOnlyData(); &one[0] != &other[0] {
			t.Errorf("%s: the resource was copied", name)
		}
	}
}

// TestAllocationsPerSharedResource: one more resource in a response costs no memory of its own.
func TestAllocationsPerSharedResource(t *testing.T) {
	builder, a := built100KB(t)
	const others, most = 63, 0.01
	shared := alone(builder.Cached(a))
	for range others {
		shared = append(shared, shared[0])
	}
	for name, message := range map[string]func([]*wire.Resource) mem.BufferSlice{
		"delta": func(r []*wire.Resource) mem.BufferSlice { return wire.Delta(r, "1") },
		"SotW":  func(r []*wire.Resource) mem.BufferSlice { return wire.SotW(r, []byte("a=b"), "1") },
	} {
		one := testing.AllocsPerRun(100, func() { message(shared[:1]) })
		all := testing.AllocsPerRun(100, func() { message(shared) })
		if each := (all - one) / others; each > most {
			t.Errorf("%s: %.2f allocations for one more resource, at most %.2f", name, each, most)
		} else {
			t.Logf("%s: %.2f allocations for one more resource", name, each)
		}
	}
}
