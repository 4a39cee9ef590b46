package host

import (
	"context"
	"errors"
	"fmt"

	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
)

// progress is the place at which a module is: the step of the check, and the call into the module.
type progress struct {
	step   finding.Step
	ctx    context.Context // of the current call into the module
	exited bool            // proc_exit was called
}

// stop ends a module from within a host function.
type stop struct{ problem finding.Problem }

func (s *stop) Error() string { return s.problem.Message }

func (p *progress) stop(code, format string, args ...any) {
	panic(&stop{finding.Problem{Step: p.step, Code: code, Message: fmt.Sprintf(format, args...)}})
}

// exit notes that the module wants to end, which ends nothing by itself.
func (p *progress) exit() { p.exited = true }

// trapCode returns the code of a trap in this step.
func (p *progress) trapCode() string {
	if p.exited {
		return finding.CodeProcExit
	}
	switch p.step {
	case finding.StepInstantiate:
		return finding.CodeInstantiate
	case finding.StepStart:
		return finding.CodeStart
	case finding.StepVMStart:
		return finding.CodeVMStart
	case finding.StepConfigure:
		return finding.CodeConfigure
	default:
		return finding.CodeTrap
	}
}

// problem returns an error as a problem; nil for nil.
func (p *progress) problem(err error) *finding.Problem {
	if err == nil {
		return nil
	}
	var known *finding.Problem
	if errors.As(err, &known) {
		return known
	}
	return &finding.Problem{Step: p.step, Code: p.trapCode(), Message: err.Error()}
}
