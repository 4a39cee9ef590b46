package builtin

import (
	"testing"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

const wamr = "envoy.wasm.runtime.wamr"

// A denial in another release's words is known as a denial, is another revision, and belongs to no
// other filter.
func TestARewordedDenyIsKnown(t *testing.T) {
	for _, tt := range []struct {
		t       spec.Type
		runtime string
	}{{spec.HTTP, ""}, {spec.Network, ""}, {spec.HTTP, wamr}} {
		one, other := Deny("auth", tt.t, "has no spec", tt.runtime), Deny("auth", tt.t, "is refused, for there is no spec", tt.runtime)
		if one.ID == other.ID || one.ID[:2*familyBytes] != other.ID[:2*familyBytes] {
			t.Errorf("%s and %s: other words must make another revision of the same family", one.ID, other.ID)
		}
		known := Known("auth", tt.runtime, other.ID)
		if known == nil || known.ID != other.ID || known.Type != tt.t || known.Policy != spec.Closed || !known.BuiltIn || known.Code != nil || known.Module.SHA256 != "" {
			t.Fatalf("%s: known as %+v", other.ID, known)
		}
		if Known("login", tt.runtime, other.ID) != nil || Known("auth", "envoy.wasm.runtime.wasmtime", other.ID) != nil {
			t.Error("it is known as another filter's, or another runtime's")
		}
		pass := Known("auth", tt.runtime, Passthrough("auth", tt.t, tt.runtime).ID)
		if pass == nil || pass.Policy != spec.Open || pass.Type != tt.t {
			t.Errorf("a pass-through is known as %+v", pass)
		}
	}
	for _, id := range []string{"", "0123456789ab", "98152e4c6168"} {
		if r := Known("auth", "", id); r != nil {
			t.Errorf("%q is known as %+v", id, r)
		}
	}
}

// Envoys may still run stand-ins of releases that derived the whole ID from the words. These IDs
// are for the filter auth: HTTP and network in V8, HTTP in WAMR.
func TestFormerStandInsAreKnown(t *testing.T) {
	for _, ids := range [][3]string{
		{"80d531eed46b", "366859ac824e", "e88ea5e05a26"},
		{"889e0f6a3765", "50ff61821fa6", "5907fe780a8b"},
		{"5765df7d8a90", "088d95b3365e", "8d1f31b1875d"},
		{"24c3b608de78", "182cec22ea46", "4b26ac08d0ac"},
		{"2a0b059dd01c", "ee40d5d8d699", "9b9ef305cb4e"},
		{"e4e9ebcb534b", "a660b290be63", "1dfedb8cb988"},
		{"cecadc06687c", "1349cb37d6fc", "307aa014f73b"},
		{"0f752021c0c6", "6dde20710004", "b90e6fd13546"},
		{"2a32565dbec7", "e2aed6dfe05c", "291e09afeb78"},
	} {
		for i, id := range ids {
			ft, runtime := spec.HTTP, ""
			switch i {
			case 1:
				ft = spec.Network
			case 2:
				runtime = wamr
			}
			if r := Known("auth", runtime, id); r == nil || r.ID != id || r.Policy != spec.Closed || r.Type != ft {
				t.Errorf("%s is known as %+v", id, r)
			}
		}
	}
	for id, ft := range map[string]spec.Type{"9a329a6ba055": spec.HTTP, "e2b68629f2f4": spec.Network} {
		if r := Known("auth", "", id); r == nil || r.Policy != spec.Open || r.Type != ft {
			t.Errorf("the pass-through %s is known as %+v", id, r)
		}
	}
}
