package track

import (
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// TestOutcome is the outcome of a test of a spec.
type TestOutcome int

// The outcomes of tests.
const (
	TestNotRun  TestOutcome = iota // the sandbox does not try the spec, or the module does not load
	TestRunning                    // the sandbox has not tried the content yet
	TestPassed
	TestFailed
)

// TestResult is a test of a spec, with its result for the newest content.
type TestResult struct {
	Name    string
	Outcome TestOutcome
	Err     *spec.Error // why the test failed; nil: it has not failed
}

// Tests returns the tests of the spec with their results.
func (s *Spec) Tests() []TestResult {
	results := make([]TestResult, len(s.spec.Tests))
	for i, t := range s.spec.Tests {
		results[i] = TestResult{Name: t.Name, Outcome: s.outcomeOfRun()}
		if err := s.failureOf(t); err != nil {
			results[i].Outcome, results[i].Err = TestFailed, err
		}
	}
	return results
}

// outcomeOfRun is the outcome of the tests without a failure. Tests run only if the module loads,
// so any failed test shows that they have run.
func (s *Spec) outcomeOfRun() TestOutcome {
	switch {
	case s.phase == Reading, s.phase == Checking:
		return TestRunning
	case s.key == "":
		return TestNotRun
	case s.phase == Ready:
		return TestPassed
	case s.found != nil && slices.ContainsFunc(s.found.Errors, func(f examine.Finding) bool { return f.Test != "" }):
		return TestPassed
	default:
		return TestNotRun
	}
}

// failureOf returns the failure of a test; nil: it has not failed. A failed test of a spec that is
// ready is a warning.
func (s *Spec) failureOf(t spec.Test) *spec.Error {
	if s.found != nil {
		for _, f := range slices.Concat(s.found.Errors, s.found.Warnings) {
			if f.Test == t.Name {
				return f.In(s.spec)
			}
		}
	}
	for _, w := range s.outcome.Warnings {
		if w.Pos == t.Pos {
			return w
		}
	}
	return nil
}
