package xds

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc/mem"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

type oneModule []byte

func (m oneModule) Read(string) ([]byte, error) { return m, nil }

func inlineSend(salt string) delivery.Send {
	s := send(1, "auth", salt)
	s.Revision = (&snapshot.Revision{
		Filter: "auth", Type: spec.HTTP, Policy: spec.Closed, Module: snapshot.Module{SHA256: strings.Repeat("0", 64), Size: 100_000},
		VM: snapshot.VM{Runtime: "envoy.wasm.runtime.v8"},
	}).Seal()
	s.Version.Revision = s.Revision.ID
	return s
}

// built100KB is a builder that has built a resource with a module of 100 KB.
func built100KB(t testing.TB) (*ResourceBuilder, delivery.Send) {
	b := NewBuilder(oneModule(make([]byte, 100_000)), Addresses{}, 0)
	a := inlineSend(salt1)
	if _, err := b.Build(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	return b, a
}

// alone is a response with one resource.
func alone(r *Resource) *response { return &response{part: part{resource: r}} }

// BenchmarkSharedResource measures one more Envoy with the same resource, up to gRPC.
func BenchmarkSharedResource(b *testing.B) {
	builder, a := built100KB(b)
	b.ReportAllocs()
	for b.Loop() {
		alone(builder.Cached(a)).deltaMessage("1")
	}
}

// BenchmarkNewSalt measures a resource for one Envoy alone, such as remote code.
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
		"delta": func() mem.BufferSlice { return alone(builder.Cached(a)).deltaMessage("1") },
		"SotW":  func() mem.BufferSlice { return alone(builder.Cached(a)).sotwMessage(versions, "1") },
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
		shared.others = append(shared.others, shared.part)
	}
	for name, message := range map[string]func(*response) mem.BufferSlice{
		"delta": func(r *response) mem.BufferSlice { return r.deltaMessage("1") },
		"SotW":  func(r *response) mem.BufferSlice { return r.sotwMessage([]byte("a=b"), "1") },
	} {
		one := testing.AllocsPerRun(100, func() { message(alone(shared.resource)) })
		all := testing.AllocsPerRun(100, func() { message(shared) })
		if each := (all - one) / others; each > most {
			t.Errorf("%s: %.2f allocations for one more resource, at most %.2f", name, each, most)
		} else {
			t.Logf("%s: %.2f allocations for one more resource", name, each)
		}
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

// TestSizeOfVersionInfo: SotW lists all names, in few bytes and few pieces of memory. If another
// stream has the same list already, the list costs no memory.
func TestSizeOfVersionInfo(t *testing.T) {
	all, r := twoHundred(), &response{part: part{name: "filter-100", held: hold("0123456789ab.i" + salt2)}}
	const most = 3
	if n := testing.AllocsPerRun(100, func() { all.pack(r, true) }); n > most {
		t.Errorf("%.0f allocations, at most %d", n, most)
	}
	var known packs
	if n := testing.AllocsPerRun(100, func() { all.versionInfo(r, &known) }); n > 0 {
		t.Errorf("%.0f allocations for a list that is known", n)
	}
	if n := len(all.versionInfo(r, &known)); n > 16*len(all.names) {
		t.Errorf("%d bytes for %d names", n, len(all.names))
	}
}

// BenchmarkVersionInfo measures SotW's list of 200 names, for the first stream and for another one.
func BenchmarkVersionInfo(b *testing.B) {
	all, r := twoHundred(), &response{part: part{name: "filter-100", held: hold("0123456789ab.i" + salt2)}}
	for name, known := range map[string]func(*packs) *packs{
		"first":   func(*packs) *packs { return &packs{} },
		"another": func(before *packs) *packs { return before },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			lists := &packs{}
			for b.Loop() {
				lists = known(lists)
				all.versionInfo(r, lists)
			}
		})
	}
}
