package snapshot_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// TestWithIsNew compares a sequence of With with a single New.
func TestWithIsNew(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	made := func(i int) *snapshot.Filter {
		return &snapshot.Filter{Name: fmt.Sprintf("filter-%02d", i), SpecFile: "a.yaml", Disabled: rng.IntN(2) == 0}
	}
	wanted := map[int]*snapshot.Filter{}
	var s *snapshot.Snapshot
	for range 2000 {
		for range rng.IntN(4) {
			if i := rng.IntN(30); rng.IntN(3) == 0 {
				delete(wanted, i)
			} else {
				wanted[i] = made(i)
			}
		}
		filters := slices.SortedFunc(maps.Values(wanted), func(a, b *snapshot.Filter) int { return cmp.Compare(a.Name, b.Name) })
		if rng.IntN(4) == 0 && len(filters) > 1 {
			i, j := rng.IntN(len(filters)), rng.IntN(len(filters))
			filters[i], filters[j] = filters[j], filters[i]
		}
		next, direct := s.With(filters), snapshot.New(filters)
		if next.Version() != direct.Version() || !slices.Equal(next.All(), direct.All()) {
			t.Fatalf("%v, want %v", next.Names(), direct.Names())
		}
		if !slices.IsSorted(next.Names()) {
			t.Fatalf("not sorted: %v", next.Names())
		}
		s = next
	}
}
