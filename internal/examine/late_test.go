package examine

import (
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/preflight"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// What a busy machine may be to blame for is told from what is wrong at any time.
func TestTookTooLong(t *testing.T) {
	for _, tt := range []struct {
		name   string
		result Result
		want   bool
	}{
		{"nothing", Result{}, false},
		{"a step", Result{Problems: []preflight.Problem{{Code: preflight.CodeTimeout}}}, true},
		{"a limit", Result{Problems: []preflight.Problem{{Code: preflight.CodeLimitTime}}}, true},
		{"an import", Result{Problems: []preflight.Problem{{Code: preflight.CodeImportMissing}}}, false},
		{"a test that took too long", Result{Tests: []preflight.TestResult{{Name: "a", Trap: preflight.CodeTimeout}}}, true},
		{"a test that failed", Result{Tests: []preflight.TestResult{{Name: "a"}}}, false},
		{"a warning", Result{Warnings: []preflight.Problem{{Code: preflight.CodeTimeout}}}, false},
	} {
		v := tt.result.verdict(&spec.Spec{}, nil)
		if v.TookTooLong() != tt.want {
			t.Errorf("%s: %v", tt.name, v.TookTooLong())
		}
		again := v.TriedAgain("at noon")
		for i, f := range again.Errors {
			if strings.HasSuffix(f.Message, "tried again at noon") != v.Errors[i].Late || strings.Contains(v.Errors[i].Message, "again") {
				t.Errorf("%s: %+v", tt.name, f)
			}
		}
	}
}

func TestDoubted(t *testing.T) {
	with, without := &spec.Spec{VM: spec.VM{HostEnv: []string{"A"}}}, &spec.Spec{}
	for _, tt := range []struct {
		step preflight.Step
		code string
		want bool
	}{
		{preflight.StepStart, preflight.CodeStart, true},
		{preflight.StepStart, preflight.CodeRestrictedCallback, false},
		{preflight.StepVMStart, preflight.CodeVMStartRefused, true},
		{preflight.StepConfigure, preflight.CodeConfigure, true},
		{preflight.StepConfigure, preflight.CodeTimeout, false}, // it would hang Envoy
		{preflight.StepConfigure, preflight.CodeHostCalls, false},
		{preflight.StepConfigure, preflight.CodeMemoryLimit, false},
		{preflight.StepStream, preflight.CodeTrap, true},
		{preflight.StepStream, "", true},
		{preflight.StepInstantiate, preflight.CodeInstantiate, false},
		{preflight.StepMemory, preflight.CodeMemoryMissing, false},
		{preflight.StepImports, preflight.CodeImportMissing, false},
		{preflight.StepParse, preflight.CodeMalformed, false},
		{preflight.StepLimits, preflight.CodeLimitMemory, false},
	} {
		if got := doubted(with, tt.step, tt.code); got != tt.want || doubted(without, tt.step, tt.code) {
			t.Errorf("%s %s: %v", tt.step, tt.code, got)
		}
	}
}
