package builtin

import (
	"fmt"
	"testing"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Names come from Envoys: old unused names are dropped, names in use stay, and each stand-in has
// its module.
func TestTheCacheIsBounded(t *testing.T) {
	s := NewCache()
	used := s.Deny("used", spec.HTTP, "has no spec", "")
	for i := range 5 * generation {
		if r := s.Passthrough(fmt.Sprintf("made-up-%d", i), spec.HTTP, ""); len(r.Code) == 0 {
			t.Fatal("a stand-in without its module")
		}
		if i%(generation/2) == 0 && s.Deny("used", spec.HTTP, "has no spec", "") != used {
			t.Fatal("what is in use is made again")
		}
	}
	if n := len(s.made) + len(s.former); n > 2*generation {
		t.Errorf("%d stand-ins are kept", n)
	}
}
