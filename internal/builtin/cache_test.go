package builtin

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Names come from Envoys: old unused names are dropped, names in use stay, and each stand-in has
// its module.
// Long names make large modules.
func TestTheCacheIsBoundedInBytes(t *testing.T) {
	s, long := NewCache(), strings.Repeat("n", 1000)
	for i := range 2000 {
		s.Deny(fmt.Sprint(long, i), spec.HTTP, "has no spec", "")
	}
	sum := 0
	for _, all := range []map[cacheKey]*snapshot.Revision{s.made, s.former} {
		for _, r := range all {
			sum += len(r.Code)
		}
	}
	const oneModule = 10_000
	if sum > 2*(generationBytes+oneModule) {
		t.Errorf("%d bytes are kept", sum)
	}
}

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
