package control

import (
	"fmt"
	"testing"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// BenchmarkPlan is an edit among many specs: from the set to the snapshot.
func BenchmarkPlan(b *testing.B) {
	for _, n := range []int{100, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var specs []*spec.Spec
			var filters []*snapshot.Filter
			for i := range n {
				name := fmt.Sprintf("filter-%05d", i)
				specs = append(specs, specOf(name))
				filters = append(filters, filterOf(name, "root"))
			}
			p := planning{previous: snapshot.New(filters), set: source.Set{Specs: specs}, made: filters}
			b.ReportAllocs()
			for b.Loop() {
				if s := p.previous.With(makePlan(p).filters); s.Len() != n {
					b.Fatalf("%d filters", s.Len())
				}
			}
		})
	}
}
