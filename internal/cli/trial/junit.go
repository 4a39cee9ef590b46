package trial

import (
	"cmp"

	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/internal/preflight/runner"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// suitesOf returns a suite for each filter, and a suite for each document with an error.
func suitesOf(r Outcome) []runner.Suite {
	var all []runner.Suite
	for _, e := range r.Errors {
		all = append(all, documentSuite(e))
	}
	for _, one := range r.Filters {
		s := runner.Suite{Filter: one.Spec.Name, File: one.Spec.File, Problems: one.Problems, Checked: one.checked, Tests: one.Tests, Coverage: one.coverage}
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
