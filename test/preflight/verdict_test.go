package preflight_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wasm-xds/wasm-xds/internal/preflight"
	"github.com/wasm-xds/wasm-xds/internal/preflight/engine"
	"github.com/wasm-xds/wasm-xds/internal/preflight/sandbox"
	"github.com/wasm-xds/wasm-xds/test/preflight/corpus"
)

// A module gets the same verdict from both engines, and from a decoded module that is kept. Tests
// of filters use the compiler, and load checks use the interpreter.
func TestEachWayOfACheckSaysTheSame(t *testing.T) {
	modules := sandbox.NewModules(8 << 20)
	t.Cleanup(modules.Close)
	for _, c := range corpus.All() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			diff := waysDiff(t, modules, c, step(c))
			if diff != "" {
				// On a busy machine a call can reach its time limit in one way alone.
				diff = waysDiff(t, modules, c, time.Minute)
			}
			if diff != "" {
				t.Error(diff)
			}
		})
	}
}

// step is the time limit of a call into a module; 0: the default. Endless loops get little time,
// because more time changes nothing.
func step(c corpus.Case) time.Duration {
	if c.Loops {
		return 200 * time.Millisecond
	}
	return 0
}

// waysDiff returns the differences between the verdict of the interpreter on a new module, and the
// verdicts of the other ways; "" means none.
func waysDiff(t *testing.T, modules *sandbox.Modules, c corpus.Case, step time.Duration) string {
	t.Helper()
	fresh := sandbox.Request{Module: c.Module, Type: c.Type, PluginConfig: c.Config, Limits: sandbox.Limits{Step: step}}
	compiled, kept := fresh, fresh
	compiled.Engine, kept.Modules = engine.Compiler, modules
	want, diffs := verdict(t, fresh), ""
	for _, way := range []struct {
		name    string
		request sandbox.Request
	}{{"the compiler", compiled}, {"the first run of a kept module", kept}, {"a kept module", kept}} {
		if diff := cmp.Diff(want, verdict(t, way.request)); diff != "" {
			diffs += way.name + ":\n" + diff
		}
	}
	return diffs
}

func verdict(t *testing.T, r sandbox.Request) []string {
	t.Helper()
	report := preflight.Check(t.Context(), r, preflight.SmokeRequest)
	verdict := []string{fmt.Sprint(report.OK, report.Logs)}
	for _, p := range report.Problems {
		verdict = append(verdict, fmt.Sprint(p.Step, p.Code, p.Versions))
	}
	return verdict
}
