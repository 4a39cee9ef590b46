package envoyconfig

import (
	"cmp"
	"slices"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Severity says how bad a finding is.
type Severity string

// The severities.
const (
	SeverityError   Severity = "error"   // something does not work, or requests pass without a filter
	SeverityWarning Severity = "warning" // something works worse than it could
	SeverityNote    Severity = "note"    // something more is possible
)

// Finding is a problem of a configuration.
type Finding struct {
	Code     string   `json:"code"` // stable, snake_case
	Severity Severity `json:"severity"`
	File     string   `json:"file"`   // "": the finding is about a running Envoy
	Line     int      `json:"line"`   // 1-based; 0: unknown
	Column   int      `json:"column"` // 1-based, in characters; 0: unknown
	Message  string   `json:"message"`
	Hint     string   `json:"hint"`  // the next step
	Patch    string   `json:"patch"` // a unified diff; "": there is none
}

// At returns a finding with the place of a node.
func At(n *Node, severity Severity, code, message, hint string) Finding {
	p := n.Pos()
	return Finding{Code: code, Severity: severity, File: p.File, Line: p.Line, Column: p.Column, Message: message, Hint: hint}
}

// Pos is the place of the finding.
func (f Finding) Pos() spec.Position {
	return spec.Position{File: f.File, Line: f.Line, Column: f.Column}
}

// SortFindings sorts findings by place.
func SortFindings(all []Finding) {
	slices.SortStableFunc(all, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}
