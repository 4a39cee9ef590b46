package cli

import (
	"cmp"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/internal/preflight/profile"
	"github.com/wasm-xds/wasm-xds/internal/preflight/runner"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
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

type checkResult struct {
	OK       bool          `json:"ok"`
	Filters  []checked     `json:"filters"`
	Errors   []*api.Error  `json:"errors"`
	Warnings []*api.Error  `json:"warnings"`
	Tests    []checkedTest `json:"tests"`
	// Profiles are there with --profile only.
	Profiles []checkedProfile `json:"profiles,omitempty"`
}

func (r checkOutcome) json() checkResult {
	out := checkResult{
		OK: r.ok(), Filters: []checked{}, Errors: []*api.Error{}, Warnings: []*api.Error{}, Tests: []checkedTest{},
	}
	for _, e := range r.errors {
		out.Errors = append(out.Errors, api.FromSpec(e))
	}
	for _, one := range r.filters {
		problems := &out.Errors
		if r.warn {
			problems = &out.Warnings
		}
		for _, e := range one.Errors(one.spec) {
			*problems = append(*problems, api.FromSpec(e))
		}
		for _, warning := range one.warnings() {
			out.Warnings = append(out.Warnings, api.FromSpec(warning))
		}
		for _, e := range one.Doubts(one.spec) {
			out.Warnings = append(out.Warnings, api.FromSpec(e))
		}
		for _, t := range one.Tests {
			out.Tests = append(out.Tests, checkedTest{one.spec.Name, t})
		}
		if one.profile != nil {
			out.Profiles = append(out.Profiles, checkedProfile{one.spec.Name, one.profile})
		}
		if one.OK() || r.warn {
			out.Filters = append(out.Filters, checked{
				Name: one.spec.Name, Type: string(one.spec.Type), Revision: one.revision.ID,
				Module: api.FromModule(one.revision.Module), File: one.spec.File, Line: one.spec.Line,
			})
		}
	}
	return out
}

// suites returns a suite for each filter, and a suite for each document with an error.
func (r checkOutcome) suites() []runner.Suite {
	var all []runner.Suite
	for _, e := range r.errors {
		all = append(all, documentSuite(e))
	}
	for _, one := range r.filters {
		s := runner.Suite{Filter: one.spec.Name, File: one.spec.File, Problems: one.Problems, Checked: one.checked, Tests: one.Tests}
		if r.warn {
			s.Problems, s.Tests = nil, nil
		}
		all = append(all, s)
	}
	return all
}

func documentSuite(e *spec.Error) runner.Suite {
	plain := *e
	plain.Hint = ""
	return runner.Suite{
		Filter: cmp.Or(e.Name, e.Pos.File), File: e.Pos.File,
		Problems: []finding.Problem{{Code: e.Code, Message: plain.Error(), Hint: e.Hint}},
	}
}
