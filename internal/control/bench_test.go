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
			previous := map[string]*snapshot.Filter{}
			revisions := map[string]*snapshot.Revision{}
			for i := range n {
				name := fmt.Sprintf("filter-%05d", i)
				specs = append(specs, specOf(name))
				previous[name] = filterOf(name, "root")
				revisions[name] = revisionOf(name, "root")
			}
			p := planning{previous: previous, set: source.Set{Specs: specs}, resolve: func(s *spec.Spec) outcome {
				return outcome{revision: revisions[s.Name]}
			}}
			b.ReportAllocs()
			for b.Loop() {
				if s := snapshot.New(makePlan(p).filters); s.Len() != n {
					b.Fatalf("%d filters", s.Len())
				}
			}
		})
	}
}
