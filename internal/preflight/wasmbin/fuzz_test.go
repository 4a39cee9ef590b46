package wasmbin

import (
	"bytes"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

// A memory and a table that are the module's own change nothing but that.
func FuzzOwnMemory(f *testing.F) {
	f.Add(testfilter.HTTP{Stamp: "v1"}.Module())
	f.Fuzz(func(t *testing.T, module []byte) {
		b, err := Parse(module)
		if err != nil {
			return
		}
		own := OwnMemory(module)
		again, err := Parse(own)
		if err != nil {
			t.Skip("malformed where the sections' own readers look") // wazero judges it
		}
		if !b.Foreign && !bytes.Equal(own, module) && len(again.Imports) != len(b.Imports) {
			t.Error("functions were lost")
		}
	})
}
