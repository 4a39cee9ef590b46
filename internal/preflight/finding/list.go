package finding

import (
	"slices"
)

// List collects the problems and warnings of a check. A List belongs to one goroutine.
type List struct {
	versions []string
	problems []Problem
	warnings []Problem
}

// NewList returns empty findings about these versions of Envoy.
func NewList(versions []string) *List { return &List{versions: versions} }

// Add adds a problem. A problem of all versions gets nil versions.
func (f *List) Add(p Problem) {
	if len(p.Versions) == len(f.versions) {
		p.Versions = nil
	}
	f.problems = append(f.problems, p)
}

// Warn adds warnings.
func (f *List) Warn(warnings ...Problem) { f.warnings = append(f.warnings, warnings...) }

// Versions returns all versions of the check.
func (f *List) Versions() []string { return f.versions }

// Problems returns the problems so far, in the order of the steps.
func (f *List) Problems() []Problem { return f.problems }

// Warnings returns the warnings so far.
func (f *List) Warnings() []Problem { return f.warnings }

// Loading returns the versions without a problem so far; nil: none.
func (f *List) Loading() []string {
	var left []string
	for _, v := range f.versions {
		if !slices.ContainsFunc(f.problems, func(p Problem) bool { return p.Concerns(v) }) {
			left = append(left, v)
		}
	}
	return left
}

// Fatal reports whether no version would load the module.
func (f *List) Fatal() bool { return len(f.Loading()) == 0 }
