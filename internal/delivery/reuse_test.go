package delivery

import (
	"testing"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// TestAllocationsOfAStorm bounds the garbage of many Envoys that connect at the same time, per
// push. The bound notices the loss of each kind of reuse: of the lists, and of the responses.
func TestAllocationsOfAStorm(t *testing.T) {
	const envoys, filters = 200, 200
	for mode, most := range map[string]float64{"delta": 0.405, "sotw": 0.375} {
		t.Run(mode, func(t *testing.T) {
			crowds := []*crowd{newCrowd(0, filters, spec.Canary{}), newCrowd(0, filters, spec.Canary{})} // one warms up
			all := testing.AllocsPerRun(1, func() {
				crowds[0].storm(envoys, mode == "delta")
				crowds = crowds[1:]
			})
			if each := all / (envoys * filters); each > most {
				t.Errorf("%.3f allocations a push, at most %.3f", each, most)
			} else {
				t.Logf("%.3f allocations a push", each)
			}
		})
	}
}
