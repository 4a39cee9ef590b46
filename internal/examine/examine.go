// Package examine runs a spec's module in the sandbox, for check and serve: the check for Envoy's
// versions, then the spec's tests and limits. It words the findings as errors of the spec.
package examine

import (
	"context"

	"github.com/wasm-xds/wasm-xds/internal/preflight"
	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Module is a filter's code.
type Module struct {
	Bytes  []byte
	SHA256 string // in hex; "": computed when needed
}

// Result is the sandbox's result. It is immutable.
type Result struct {
	// Problems concern every requested version. They include exceeded limits.
	Problems []finding.Problem
	// Partial are problems of some versions, while others load the module.
	Partial []finding.Problem
	// Warnings are no reason to refuse the module.
	Warnings []finding.Problem
	Logs     []preflight.Log // of the start
	// Tests are the results of the spec's tests. Tests run only if the module loads.
	Tests []preflight.TestResult
}

// OK reports whether the module loads somewhere and all tests passed.
func (r Result) OK() bool { return len(r.Problems) == 0 && len(r.Failed()) == 0 }

// Failed returns the failed tests, except the [Result.Doubtful] ones.
func (r Result) Failed() []preflight.TestResult {
	return r.testsThat(func(t preflight.TestResult) bool { return !t.OK && !t.Doubtful })
}

func (r Result) testsThat(is func(preflight.TestResult) bool) []preflight.TestResult {
	var those []preflight.TestResult
	for _, t := range r.Tests {
		if is(t) {
			those = append(those, t)
		}
	}
	return those
}

// Filter examines a spec's module with its configuration. All versions have to load the module;
// without versions, any known version is enough. When ctx ends, the run ends too, with a problem.
// modules may be nil.
func Filter(ctx context.Context, modules *preflight.Modules, s *spec.Spec, m Module, config *string, versions []string) Result {
	var r Result
	if s.VM.Runtime == spec.NullRuntime {
		return r
	}
	if modules == nil {
		// The check and the tests are runs of one module.
		modules = preflight.NewModules(len(m.Bytes))
		defer modules.Close()
	}
	request := preflight.RequestFor(s, m.Bytes, config)
	request.SHA256, request.Versions, request.Modules = m.SHA256, versions, modules
	if s.NoSmoke || len(s.Tests) > 0 {
		request.Smoke = preflight.SmokeContext // the tests' requests count instead
	}
	report := preflight.Check(ctx, request)
	r.Logs, r.Warnings = report.Logs, report.Warnings
	var doubtful []finding.Problem
	report.Problems, doubtful = doubts(s, report.Problems)
	r.Warnings = append(r.Warnings, doubtful...)
	load := loading(report, versions)
	if len(versions) == 0 && len(load) > 0 {
		r.Partial = report.Problems
	} else {
		r.Problems = report.Problems
	}
	if len(r.Problems)+len(doubtful) > 0 {
		return r
	}
	request.Versions = load
	r.Tests = preflight.RunTests(ctx, request, s.Tests)
	for i := range r.Tests {
		t := &r.Tests[i]
		t.Doubtful = !t.OK && doubted(s, finding.StepStream, t.Trap)
	}
	if r.OK() && len(r.Doubtful()) == 0 {
		r.takeLimits(s, preflight.CheckLimits(ctx, request, s.Tests, s.Limits))
	}
	return r
}

// takeLimits sorts the findings of measuring. Measuring sends the plain request to a spec without
// tests; if the spec has smoke: off, its failure there is no reason to refuse the filter.
func (r *Result) takeLimits(s *spec.Spec, found []finding.Problem) {
	for _, p := range found {
		if p.Step == finding.StepStream && s.NoSmoke && len(s.Tests) == 0 {
			p.Message = "the limits cannot be measured with a plain request: " + p.Message
			p.Hint = "give the spec tests with requests as they come"
			r.Warnings = append(r.Warnings, p)
			continue
		}
		r.Problems = append(r.Problems, p)
	}
}

// Profile measures the cost of a filter whose result is OK. All arguments but r and o are the
// arguments of [Filter]. ok is false for a filter without Wasm.
func (r Result) Profile(ctx context.Context, s *spec.Spec, module []byte, config *string, versions []string, o preflight.ProfileOptions) (result preflight.ProfileResult, ok bool) {
	if s.VM.Runtime == spec.NullRuntime {
		return preflight.ProfileResult{}, false
	}
	request := preflight.RequestFor(s, module, config)
	request.Versions = loading(preflight.Report{Problems: r.Partial}, versions)
	return preflight.Profile(ctx, request, s.Tests, o), true
}

// loading returns the versions that would load the module.
func loading(r preflight.Report, versions []string) []string {
	if len(versions) == 0 {
		versions = envoy.Versions()
	}
	var load []string
	for _, v := range versions {
		if !r.Refused(v) {
			load = append(load, v)
		}
	}
	return load
}
