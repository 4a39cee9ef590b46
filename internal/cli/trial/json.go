package trial

import (
	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/preflight/profile"
	"github.com/wasm-xds/wasm-xds/internal/preflight/runner"
)

// checked is a filter without a problem.
type checked struct {
	Name     string     `json:"name"`
	Type     string     `json:"type"`
	Revision string     `json:"revision"`
	Module   api.Module `json:"module"`
	File     string     `json:"file"`
	Line     int        `json:"line"`
}

// checkedTest is a test of a filter, with or without failures.
type checkedTest struct {
	Filter string `json:"filter"`
	runner.Result
}

// checkedProfile has the costs of a filter.
type checkedProfile struct {
	Filter string `json:"filter"`
	*profile.Result
}

// checkedCoverage has the coverage of a filter.
type checkedCoverage struct {
	Filter string `json:"filter"`
	*runner.Coverage
}

// checkResult is an outcome as JSON.
type checkResult struct {
	OK       bool          `json:"ok"`
	Filters  []checked     `json:"filters"`
	Errors   []*api.Error  `json:"errors"`
	Warnings []*api.Error  `json:"warnings"`
	Tests    []checkedTest `json:"tests"`
	// Profiles are there with --profile only.
	Profiles []checkedProfile `json:"profiles,omitempty"`
	// Coverage is there for the command test only.
	Coverage []checkedCoverage `json:"coverage,omitempty"`
}

// JSON is the outcome in the form of check -o json, for the output of other commands.
func JSON(r Outcome) any { return resultOf(r) }

// resultOf is the outcome in the form of check -o json.
func resultOf(r Outcome) checkResult {
	out := checkResult{
		OK: r.OK(), Filters: []checked{}, Errors: []*api.Error{}, Warnings: []*api.Error{}, Tests: []checkedTest{},
	}
	for _, e := range r.Errors {
		out.Errors = append(out.Errors, api.FromSpec(e))
	}
	for _, one := range r.Filters {
		problems := &out.Errors
		if r.warn {
			problems = &out.Warnings
		}
		for _, e := range one.Errors(one.Spec) {
			*problems = append(*problems, api.FromSpec(e))
		}
		for _, warning := range one.warnings() {
			out.Warnings = append(out.Warnings, api.FromSpec(warning))
		}
		for _, e := range one.Doubts(one.Spec) {
			out.Warnings = append(out.Warnings, api.FromSpec(e))
		}
		for _, t := range one.Tests {
			out.Tests = append(out.Tests, checkedTest{one.Spec.Name, t})
		}
		if one.profile != nil {
			out.Profiles = append(out.Profiles, checkedProfile{one.Spec.Name, one.profile})
		}
		if one.coverage != nil {
			out.Coverage = append(out.Coverage, checkedCoverage{one.Spec.Name, one.coverage})
		}
		if one.OK() || r.warn {
			out.Filters = append(out.Filters, checked{
				Name: one.Spec.Name, Type: string(one.Spec.Type), Revision: one.Revision.ID,
				Module: api.FromModule(one.Revision.Module), File: one.Spec.File, Line: one.Spec.Line,
			})
		}
	}
	return out
}
