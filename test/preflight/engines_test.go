package preflight_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasm-xds/wasm-xds/internal/preflight"
	"github.com/wasm-xds/wasm-xds/test/preflight/corpus"
)

// Tests of filters use the compiler, and load checks use the interpreter. Both must give the same
// result for every module.
func TestBothEnginesSayTheSame(t *testing.T) {
	for _, c := range corpus.All() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			r := preflight.Request{Module: c.Module, Type: c.Type, PluginConfig: c.Config}
			want := verdictOf(preflight.Check(t.Context(), r))
			r.Engine = preflight.Compiler
			if diff := cmp.Diff(want, verdictOf(preflight.Check(t.Context(), r))); diff != "" {
				t.Error(diff)
			}
		})
	}
}
