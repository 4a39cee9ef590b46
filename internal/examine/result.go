package examine

import (
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/internal/preflight/host"
	"github.com/wasm-xds/wasm-xds/internal/preflight/runner"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Result is the sandbox's result. It is immutable.
type Result struct {
	// Problems concern every requested version. They include exceeded limits.
	Problems []finding.Problem
	// Partial are problems of some versions, while others load the module.
	Partial []finding.Problem
	// Warnings are no reason to refuse the module.
	Warnings []finding.Problem
	Logs     []host.Log // of the start
	// Tests are the results of the spec's tests. Tests run only if the module loads.
	Tests []runner.Result
}

// OK reports whether the module loads somewhere and all tests passed.
func (r Result) OK() bool { return len(r.Problems) == 0 && len(r.Failed()) == 0 }

// Failed returns the failed tests, except the [Result.Doubtful] ones.
func (r Result) Failed() []runner.Result {
	return r.testsThat(func(t runner.Result) bool { return !t.OK && !t.Doubtful })
}

func (r Result) testsThat(is func(runner.Result) bool) []runner.Result {
	var those []runner.Result
	for _, t := range r.Tests {
		if is(t) {
			those = append(those, t)
		}
	}
	return those
}

// Doubtful returns the failed tests that may fail for want of vm.hostEnv. They cause only warnings.
func (r Result) Doubtful() []runner.Result {
	return r.testsThat(func(t runner.Result) bool { return !t.OK && t.Doubtful })
}

// Doubts returns the spec's warnings for the [Result.Doubtful] tests.
func (r Result) Doubts(s *spec.Spec) []*spec.Error {
	var all []*spec.Error
	for _, t := range r.Doubtful() {
		e := testError(s, t)
		e.Hint = HostEnvHint(s)
		all = append(all, e)
	}
	return all
}

// Errors returns the problems and failed tests that keep s from being served, with their positions
// in the spec.
func (r Result) Errors(s *spec.Spec) []*spec.Error {
	var all []*spec.Error
	for _, p := range r.Problems {
		all = append(all, Error(s, p))
	}
	for _, t := range r.Failed() {
		all = append(all, testError(s, t))
	}
	return all
}
