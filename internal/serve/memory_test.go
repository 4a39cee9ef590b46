package serve

import (
	"slices"
	"testing"
)

func TestMemoryIsReturnedAfterABurst(t *testing.T) {
	const mib = 1 << 20
	for _, tt := range []struct {
		name      string
		live      uint64
		allocated []uint64 // MiB, at each look
		want      []bool
	}{
		{"a server at rest", 20, []uint64{20, 21, 22, 23, 24}, []bool{false, true, false, false, false}}, // after the start
		{"a burst", 20, []uint64{20, 500, 900, 901, 902, 903}, []bool{false, false, false, true, false, false}},
		{
			"once more", 20,
			[]uint64{20, 500, 501, 501, 502, 502, 503, 503, 504, 504, 504},
			[]bool{false, false, true, false, false, false, false, false, true, false, false},
		},
		{"two bursts", 20, []uint64{100, 101, 102, 300, 301}, []bool{false, true, false, false, true}},
		{"work without a pause", 20, []uint64{100, 200, 300, 400}, []bool{false, false, false, false}},
		{
			"a small burst", 20,
			[]uint64{20, 21, 29, 30, 30, 30, 30, 30, 31, 31, 31, 31, 31, 31},
			[]bool{false, true, false, false, false, false, false, true, false, false, false, false, false, true},
		},
		{"a large server", 400, []uint64{150, 151, 190, 191, 220, 221}, []bool{false, false, false, false, false, true}},
	} {
		var c calm
		for i, allocated := range tt.allocated {
			if got := c.look(memoryUse{allocated * mib, tt.live * mib}); got != tt.want[i] {
				t.Errorf("%s: look %d: %t", tt.name, i, got)
			}
		}
	}
}

// TestMemoryOfCachesIsReturned: memory that connections and caches let go of later goes back.
func TestMemoryOfCachesIsReturned(t *testing.T) {
	var c calm
	c.look(memoryUse{20 << 20, 20 << 20})
	c.look(memoryUse{500 << 20, 20 << 20})
	var returns []int
	for look := range 60 {
		if c.look(memoryUse{501 << 20, 20 << 20}) {
			returns = append(returns, look)
		}
	}
	if want := []int{0, againAfter, lastAfter}; !slices.Equal(returns, want) {
		t.Errorf("returned at the looks %v, not at %v", returns, want)
	}
}
