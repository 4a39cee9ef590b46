package cause

import (
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
)

// mostCauses is the largest number of causes in a problem of many imports.
const mostCauses = 3

// With completes a problem of the check: the message names the cause, and the hint the remedy.
func With(p finding.Problem) finding.Problem {
	found := causesOf(p)
	if len(found) == 0 {
		return p
	}
	var means, hints []string
	for _, c := range found[:min(len(found), mostCauses)] {
		if c.means != "" {
			means = append(means, c.means)
		}
		if !slices.Contains(hints, c.do) {
			hints = append(hints, c.do)
		}
	}
	if len(means) > 0 && !strings.Contains(p.Message, means[0]) {
		p.Message = strings.TrimRight(p.Message, ". ") + ": " + strings.Join(means, "; ")
	}
	if p.Hint == "" {
		p.Hint = strings.Join(hints, "; or ")
	}
	return p
}

// told is a cause, worded for one symptom.
type told struct{ code, means, do string }

// causesOf returns the causes of a problem, each once. It looks at the functions of a problem of
// imports, and else at the details, and at last at the code.
func causesOf(p finding.Problem) []told {
	var all []told
	add := func(detail string) {
		code, means, do, ok := causeOf(p.Step, detail)
		if ok && !slices.ContainsFunc(all, func(t told) bool { return t.code == code }) {
			all = append(all, told{code, means, do})
		}
	}
	if p.Step == finding.StepImports {
		for _, f := range p.Functions {
			if p.Code == finding.CodeImportSignature && f.Want != "" && !strings.HasPrefix(f.Module, "wasi_") {
				add("import type mismatch: " + f.Module + "." + f.Name)
				continue
			}
			add(f.Module + "." + f.Name)
		}
		if len(all) > 0 {
			return all
		}
	}
	for _, detail := range p.Detail {
		if add(detail); len(all) > 0 {
			return all
		}
	}
	for _, r := range rows() {
		if r.code == p.Code && r.in(p.Step) && !strings.Contains(r.means, "{}") {
			return []told{{code: r.code, do: r.do}} // the problem's message already has the meaning
		}
	}
	add(p.Message)
	return all
}
