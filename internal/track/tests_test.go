package track

import (
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/desired"
	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// A test counts as passed only if the sandbox has run it.
func TestResultsOfTests(t *testing.T) {
	at := func(line int) spec.Position { return spec.Position{File: "auth.yaml", Line: line} }
	one := &spec.Spec{Name: "auth", Tests: []spec.Test{{Name: "first", Pos: at(5)}, {Name: "second", Pos: at(9)}}}
	failed := &examine.Findings{Errors: []examine.Finding{{Code: examine.CodeTestFailed, Test: "second", Message: "no"}}}
	broken := &examine.Findings{Errors: []examine.Finding{{Code: "module_invalid", Message: "no"}}}
	warned := desired.Outcome{Warnings: []*spec.Error{{Code: examine.CodeTestFailed, Pos: at(9)}}}
	for name, tt := range map[string]struct {
		spec Spec
		want [2]TestOutcome
	}{
		"reading":               {Spec{phase: Reading}, [2]TestOutcome{TestRunning, TestRunning}},
		"in the sandbox":        {Spec{phase: Checking, key: "k"}, [2]TestOutcome{TestRunning, TestRunning}},
		"ready":                 {Spec{phase: Ready, key: "k"}, [2]TestOutcome{TestPassed, TestPassed}},
		"without a sandbox":     {Spec{phase: Ready}, [2]TestOutcome{TestNotRun, TestNotRun}},
		"only warned of":        {Spec{phase: Ready, key: "k", outcome: warned}, [2]TestOutcome{TestPassed, TestFailed}},
		"one failed":            {Spec{phase: Failed, key: "k", found: failed}, [2]TestOutcome{TestPassed, TestFailed}},
		"the module is broken":  {Spec{phase: Failed, key: "k", found: broken}, [2]TestOutcome{TestNotRun, TestNotRun}},
		"its files are missing": {Spec{phase: Failed}, [2]TestOutcome{TestNotRun, TestNotRun}},
	} {
		t.Run(name, func(t *testing.T) {
			tt.spec.spec = one
			got := tt.spec.Tests()
			for i, want := range tt.want {
				if got[i].Outcome != want || (got[i].Err != nil) != (want == TestFailed) {
					t.Errorf("%s: %+v, want %v", got[i].Name, got[i], want)
				}
			}
		})
	}
}
