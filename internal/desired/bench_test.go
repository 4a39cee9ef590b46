package desired

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
			p := Input{Previous: snapshot.New(filters), Set: source.Set{Specs: specs}, Made: filters}
			b.ReportAllocs()
			for b.Loop() {
				if s := p.Previous.With(Make(p).Filters); s.Len() != n {
					b.Fatalf("%d filters", s.Len())
				}
			}
		})
	}
}
