package preflight_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wasm-xds/wasm-xds/internal/preflight"
	"github.com/wasm-xds/wasm-xds/internal/preflight/engine"
	"github.com/wasm-xds/wasm-xds/internal/preflight/sandbox"
	"github.com/wasm-xds/wasm-xds/test/preflight/corpus"
)

// Tests of filters use the compiler, and load checks use the interpreter. Both must give the same
// result for every module.
func TestBothEnginesSayTheSame(t *testing.T) {
	for _, c := range corpus.All() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			diff := engineDiff(t, c, sandbox.Limits{})
			if diff != "" {
				// On a busy machine a call can reach its time limit on one engine alone.
				diff = engineDiff(t, c, sandbox.Limits{Step: time.Minute})
			}
			if diff != "" {
				t.Error(diff)
			}
		})
	}
}

// engineDiff returns the difference between the verdicts of both engines; "" means none.
func engineDiff(t *testing.T, c corpus.Case, limits sandbox.Limits) string {
	t.Helper()
	r := sandbox.Request{Module: c.Module, Type: c.Type, PluginConfig: c.Config, Limits: limits}
	interpreted := verdictOf(preflight.Check(t.Context(), r, preflight.SmokeRequest))
	r.Engine = engine.Compiler
	return cmp.Diff(interpreted, verdictOf(preflight.Check(t.Context(), r, preflight.SmokeRequest)))
}
