package examine

import (
	"fmt"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/internal/preflight/runner"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// CodeTestFailed is the code of a failed test of a spec.
const CodeTestFailed = "test_failed"

// mostFindings is the largest number of findings in the message of a problem.
const mostFindings = 8

func testError(s *spec.Spec, t runner.Result) *spec.Error {
	words := make([]string, len(t.Failures))
	for i, f := range t.Failures {
		words[i] = f.String()
	}
	return &spec.Error{
		Code: CodeTestFailed, Name: s.Name, Pos: TestPosition(s, t.Name),
		Message: fmt.Sprintf("test %q failed: %s", t.Name, strings.Join(words, "; ")),
		Hint:    "wasm-xds check shows the whole of it; mend the filter or what the test expects",
	}
}

// TestPosition returns the position of a test in its spec.
func TestPosition(s *spec.Spec, name string) spec.Position {
	for _, t := range s.Tests {
		if t.Name == name {
			return t.Pos
		}
	}
	return spec.Position{File: s.File, Line: s.Line}
}

// Error returns a problem of the spec's module as an error, at the position of the module or of the
// exceeded limit.
func Error(s *spec.Spec, p finding.Problem) *spec.Error {
	message := p.Message
	if len(p.Versions) > 0 {
		message = "Envoy " + strings.Join(p.Versions, ", ") + ": " + message
	}
	if n := len(p.Detail); n > 0 {
		message += " (" + strings.Join(p.Detail[:min(n, mostFindings)], "; ")
		if n > mostFindings {
			message += fmt.Sprintf("; and %d more", n-mostFindings)
		}
		message += ")"
	}
	return &spec.Error{Code: p.Code, Message: terminal.Printable(message), Hint: p.Hint, Name: s.Name, Pos: position(s, p.Code)}
}

func position(s *spec.Spec, code string) spec.Position {
	switch code {
	case finding.CodeLimitTime:
		return s.Limits.TimePos
	case finding.CodeLimitMemory:
		return s.Limits.MemoryPos
	default:
		return s.Module.Pos
	}
}
