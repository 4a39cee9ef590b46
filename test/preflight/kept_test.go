package preflight_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasm-xds/wasm-xds/internal/preflight"
	"github.com/wasm-xds/wasm-xds/internal/preflight/sandbox"
	"github.com/wasm-xds/wasm-xds/test/preflight/corpus"
)

// A cached decoded module gets the same verdict as a new module.
func TestKeptModulesGetTheSameVerdict(t *testing.T) {
	modules := sandbox.NewModules(8 << 20)
	t.Cleanup(modules.Close)
	for _, c := range corpus.All() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			r := sandbox.Request{Module: c.Module, Type: c.Type, PluginConfig: c.Config}
			want := verdictOf(preflight.Check(t.Context(), r, preflight.SmokeRequest))
			r.Modules = modules
			for range 2 {
				if diff := cmp.Diff(want, verdictOf(preflight.Check(t.Context(), r, preflight.SmokeRequest))); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

func verdictOf(r preflight.Report) []string {
	verdict := []string{fmt.Sprint(r.OK, r.Logs)}
	for _, p := range r.Problems {
		verdict = append(verdict, fmt.Sprint(p.Step, p.Code, p.Versions))
	}
	return verdict
}
