package examine

import (
	"context"

	"github.com/wasm-xds/wasm-xds/internal/preflight"
	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/internal/preflight/profile"
	"github.com/wasm-xds/wasm-xds/internal/preflight/runner"
	"github.com/wasm-xds/wasm-xds/internal/preflight/sandbox"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Module is a filter's code.
type Module struct {
	Bytes  []byte
	SHA256 string // in hex; "": computed when needed
}

// Filter examines a spec's module with its configuration. All versions have to load the module;
// without versions, any known version is enough. When ctx ends, the run ends too, with a problem.
// modules may be nil.
func Filter(ctx context.Context, modules *sandbox.Modules, s *spec.Spec, m Module, config *string, versions []string) Result {
	var r Result
	if s.VM.Runtime == spec.NullRuntime {
		return r
	}
	if modules == nil {
		// The check and the tests are runs of a module.
		modules = sandbox.NewModules(len(m.Bytes))
		defer modules.Close()
	}
	request := sandbox.RequestFor(s, m.Bytes, config)
	request.SHA256, request.Versions, request.Modules = m.SHA256, versions, modules
	smoke := preflight.SmokeRequest
	if s.NoSmoke || len(s.Tests) > 0 {
		smoke = preflight.SmokeContext // the tests' requests count instead
	}
	report := preflight.Check(ctx, request, smoke)
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
	r.Tests = runner.Run(ctx, request, s.Tests)
	for i := range r.Tests {
		t := &r.Tests[i]
		t.Doubtful = !t.OK && doubted(s, finding.StepStream, t.Trap)
	}
	if r.OK() && len(r.Doubtful()) == 0 {
		takeLimits(&r, s, profile.CheckLimits(ctx, request, s.Tests, s.Limits))
	}
	return r
}

// takeLimits sorts the findings of measuring into a result. Measuring sends the plain request to a
// spec without tests; if the spec has smoke: off, its failure there is no reason to refuse the
// filter.
func takeLimits(r *Result, s *spec.Spec, found []finding.Problem) {
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

// Profile measures the cost of a filter with the result r, which is OK. All arguments but r and o
// are the arguments of [Filter]. ok is false for a filter without Wasm.
func Profile(ctx context.Context, r Result, s *spec.Spec, module []byte, config *string, versions []string, o profile.Options) (result profile.Result, ok bool) {
	if s.VM.Runtime == spec.NullRuntime {
		return profile.Result{}, false
	}
	request := sandbox.RequestFor(s, module, config)
	request.Versions = loading(preflight.Report{Problems: r.Partial}, versions)
	return profile.Run(ctx, request, s.Tests, o), true
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
