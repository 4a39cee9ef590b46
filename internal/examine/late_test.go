package examine

import (
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/internal/preflight/runner"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Findings that a busy machine may cause differ from findings at any time.
func TestTookTooLong(t *testing.T) {
	for _, tt := range []struct {
		name   string
		result Result
		want   bool
	}{
		{"nothing", Result{}, false},
		{"a step", Result{Problems: []finding.Problem{{Code: finding.CodeTimeout}}}, true},
		{"a limit", Result{Problems: []finding.Problem{{Code: finding.CodeLimitTime}}}, true},
		{"an import", Result{Problems: []finding.Problem{{Code: finding.CodeImportMissing}}}, false},
		{"a test that took too long", Result{Tests: []runner.Result{{Name: "a", Trap: finding.CodeTimeout}}}, true},
		{"a test that failed", Result{Tests: []runner.Result{{Name: "a"}}}, false},
		{"a warning", Result{Warnings: []finding.Problem{{Code: finding.CodeTimeout}}}, false},
	} {
		v := findingsOf(tt.result, &spec.Spec{}, nil)
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
		step finding.Step
		code string
		want bool
	}{
		{finding.StepStart, finding.CodeStart, true},
		{finding.StepStart, finding.CodeRestrictedCallback, false},
		{finding.StepVMStart, finding.CodeVMStartRefused, true},
		{finding.StepConfigure, finding.CodeConfigure, true},
		{finding.StepConfigure, finding.CodeTimeout, false}, // it would hang Envoy
		{finding.StepConfigure, finding.CodeHostCalls, false},
		{finding.StepConfigure, finding.CodeMemoryLimit, false},
		{finding.StepStream, finding.CodeTrap, true},
		{finding.StepStream, "", true},
		{finding.StepInstantiate, finding.CodeInstantiate, false},
		{finding.StepMemory, finding.CodeMemoryMissing, false},
		{finding.StepImports, finding.CodeImportMissing, false},
		{finding.StepParse, finding.CodeMalformed, false},
		{finding.StepLimits, finding.CodeLimitMemory, false},
	} {
		if got := doubted(with, tt.step, tt.code); got != tt.want || doubted(without, tt.step, tt.code) {
			t.Errorf("%s %s: %v", tt.step, tt.code, got)
		}
	}
}
