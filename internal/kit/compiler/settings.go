// Package compiler runs the compilers of filters, and writes the stripped modules.
//
// compiler.go builds a module. recipe.go has the commands of each language, toolchain.go says how
// to get a missing compiler, and process.go runs a command with all of its children in a process
// group of its own: a cancelled build leaves no process behind.
package compiler

import (
	"io"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/kit/project"
	"github.com/wasm-xds/wasm-xds/internal/preflight/static"
)

// Compiler builds modules. A second build is faster, because the Compiler remembers the places of
// the tools. A Compiler belongs to a single goroutine.
type Compiler struct {
	// Output gets the messages of the compilers.
	Output io.Writer
	// KeepNames leaves the sections for debuggers in the modules. Envoy's log then has the names of
	// functions in the traces of traps.
	KeepNames bool

	rustTarget string // "": not known yet
}

// Result is a module after its build.
type Result struct {
	Target project.Target
	Module static.Description
	// Change is the change since the module before, in a few words.
	Change string
	Took   time.Duration // of the compiler
}

// The codes of errors.
const (
	CodeNoToolchain = "no_toolchain"
	CodeFailed      = "build_failed"
)
