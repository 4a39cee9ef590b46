package finding

import (
	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
)

// Problem is a reason against loading a module.
//
//nolint:errname // it is listed in reports more often than it is an error
type Problem struct {
	Step Step
	Code string // stable, snake_case, one of the Code constants
	// Message names the fault, and Hint the remedy; Hint may be empty.
	Message, Hint string
	// Versions are the Envoy versions with the problem; nil: all requested versions.
	Versions []string
	// Detail has a line for each finding, like each missing import.
	Detail []string
	// Functions are the functions of the problem, if any.
	Functions []Function
}

// Concerns reports whether an Envoy of this version has the problem.
func (p Problem) Concerns(version string) bool {
	if p.Versions == nil {
		return true
	}
	for _, v := range p.Versions {
		if envoy.Minor(v) == envoy.Minor(version) {
			return true
		}
	}
	return false
}

// Error returns the problem's message.
func (p *Problem) Error() string { return p.Message }

// Function is an import or an export of a problem, with signatures in the short form "ii:i": a
// letter for each value (i is i32, I is i64, f is f32, F is f64), and parameters before
// the colon.
type Function struct {
	Module    string // of an import: env or wasi_snapshot_preview1; "" of an export
	Name      string
	Signature string
	Want      string // Envoy's signature, if Envoy has the function
	// Versions are the Envoy versions without an import; nil if none or all lack the import.
	Versions []string
}
